"""Significance: what is known of a run's score, and whether another one really is better.

Two runs answered the same questions, so their answers are compared question by question.

Shapes: `better`, `other` (n_questions,): a score of each question, in one order.
"""

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
    """How much better one run is than another, of its mean score, and how likely by chance."""

    interval: Interval
    p_value: float


def mean_interval(scores: Scores, seed: int = 0) -> Interval:
    """The mean score, with the percentile interval of the bootstrap (Efron, 1979).

    It holds for a run that was named beforehand; that of the best of many is `contest`'s.
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


def mcnemar(better: Scores, other: Scores) -> float:
    """Exact two-sided p-value of McNemar's test (1947), of answers that are right (1) or not (0).

    Only the questions count that one gets right and the other does not: by chance, each falls to
    either side like a fair coin.
    """
    gained = int(np.count_nonzero((better == 1) & (other != 1)))
    lost = int(np.count_nonzero((better != 1) & (other == 1)))
    return _two_sided_coin(min(gained, lost), gained + lost)


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
