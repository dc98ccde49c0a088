"""Calibration: probabilities that mean what they say.

Of a hundred answers given with probability 0.8, eighty should be right.

Source
    Guo et al. (2017), "On Calibration of Modern Neural Networks": one temperature, by likelihood

Shapes
    n_examples   examples
    n_outcomes   candidates of an example, and "no answer"
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
N_STEPS = 18  # of the search: each leaves 0.62 of the range, so that a thousandth is left
N_BINS = 10
_GOLDEN = (math.sqrt(5) - 1) / 2
_LEAST_ODDS = 1e-12


def fit_temperature(deficits: Floats, right: Floats) -> float:
    """Return the temperature under which it is likeliest that just these answers are right.

    `deficits` (n_examples, n_outcomes) are those of `Decision.deficits`, `right` (n_examples,) is
    1 where the best outcome is right, else 0. The likelihood is that of Platt (1999), which counts
    one right and one wrong answer more, lest a split without errors ask for certainty.
    """
    if not len(right):
        return 1.0
    n_right = right.sum()
    n_wrong = len(right) - n_right
    target = np.where(right > 0, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))

    def loss(log_temperature: float) -> float:
        odds = np.maximum(odds_against(deficits, math.exp(log_temperature)), _LEAST_ODDS)
        return float((np.log1p(odds) - (1 - target) * np.log(odds)).mean())

    return math.exp(_lowest(loss, math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)))


def odds_against(deficits: Floats, temperature: float) -> Floats:
    """Return what the other outcomes weigh beside the best one, (n_examples,)."""
    return np.exp(deficits / -temperature).sum(axis=1) - 1.0


def calibration_error(confidence: Floats, right: Floats) -> float:
    """Return the expected gap between confidence and share of right answers, over ten bins.

    Both are (n_examples,).
    """
    nth = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    gaps = np.bincount(nth, confidence - right, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(right))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function` is lowest between `low` and `high`, by golden sections."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(N_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
