"""Significance: whether one run is better than another, or whether it only looks so.

Two runs answered the same questions, so their scores are compared question by question.

Shapes: `better`, `other` (n_questions,): a score of each question, in one order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

CONFIDENCE = 0.95
N_RESAMPLES = 10_000
_LARGEST_EXACT = 100_000  # discordant pairs; above, a normal approximation has no visible error


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


@dataclass(frozen=True)
class Difference:
    """How much better one run is than another: of its mean score, and how likely by chance."""

    interval: Interval
    p_value: float  # two-sided


def mean_interval(scores: Scores, seed: int = 0) -> Interval:
    """The mean score, with the percentile interval of the bootstrap (Efron, 1979)."""
    return _interval(scores, resampled_means(scores, seed))


def paired_bootstrap(better: Scores, other: Scores, seed: int = 0) -> Difference:
    """The mean difference of scores, by resampling questions (Berg-Kirkpatrick et al., 2012).

    The p-value is the share of resamples, shifted to a mean of nothing, that differ from nothing at
    least as much as what was seen; it counts what was seen too, so that it is never 0.
    """
    differences = better - other
    means = resampled_means(differences, seed)
    seen = float(differences.mean())
    n_as_far = int(np.count_nonzero(np.abs(means - seen) >= abs(seen) - 1e-12))
    return Difference(_interval(differences, means), (n_as_far + 1) / (len(means) + 1))


def resampled_means(scores: Scores, seed: int, n_resamples: int = N_RESAMPLES) -> Scores:
    """Means of `n_resamples` samples of as many questions, drawn with replacement.

    Few scores differ, so that it suffices to draw how often each value comes.
    """
    values, counts = np.unique(scores, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(scores), counts / len(scores), n_resamples)
    means: Scores = drawn @ values / len(scores)
    return means


def mcnemar(better: Scores, other: Scores) -> float:
    """Exact two-sided p-value of McNemar's test (1947), of answers that are right (1) or not (0).

    Only the questions count that one gets right and the other does not: by chance, each falls to
    either side like a fair coin.
    """
    gained = int(np.count_nonzero((better == 1) & (other != 1)))
    lost = int(np.count_nonzero((better != 1) & (other == 1)))
    return _two_sided_coin(min(gained, lost), gained + lost)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the same order (Holm, 1979)."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def _interval(scores: Scores, means: Scores) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(scores.mean()), float(low), float(high))


def _two_sided_coin(n_fewer: int, n: int) -> float:
    """Probability that of `n` tosses of a fair coin one side comes at most `n_fewer` times."""
    if n > _LARGEST_EXACT:
        return erfc((n - 2 * n_fewer - 1) / sqrt(2 * n))
    if 2 * n_fewer >= n:
        return 1.0
    log_terms = (
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2) for k in range(n_fewer + 1)
    )
    return min(1.0, 2 * sum(map(exp, log_terms)))
