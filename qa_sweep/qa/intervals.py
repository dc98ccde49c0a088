"""Intervals: how sure the mean score of a run is.

Shapes: `scores` (n_questions,): a score of each question, from 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

CONFIDENCE = 0.95
N_RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean, and where it lies with a confidence of 95 %."""

    mean: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """Half of the interval's width: the figure behind a ±."""
        return (self.high - self.low) / 2


def percent_intervals(scores: Mapping[str, Scores]) -> dict[str, Interval]:
    """By metric the interval of its mean, in percent, as a run's metrics are shown."""
    found = {name: mean_interval(values) for name, values in scores.items()}
    return {
        name: Interval(100 * each.mean, 100 * each.low, 100 * each.high)
        for name, each in found.items()
    }


def mean_interval(scores: Scores, seed: int = 0) -> Interval:
    """The mean score, with the percentile interval of the bootstrap (Efron, 1979).

    It holds for a run that was named beforehand; that of the best of many is another.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled_means(scores, seed), (tail, 1 - tail))
    return Interval(float(scores.mean()), float(low), float(high))


def resampled_means(scores: Scores, seed: int, n_resamples: int = N_RESAMPLES) -> Scores:
    """Means of `n_resamples` samples of as many questions, drawn with replacement.

    Few scores differ, so that it suffices to draw how often each value comes.
    """
    values, counts = np.unique(scores, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(scores), counts / len(scores), n_resamples)
    means: Scores = drawn @ values / len(scores)
    return means
