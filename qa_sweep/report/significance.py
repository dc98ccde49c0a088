"""Significance: whether a run really is better than another one.

Two runs answered the same questions, so their answers are compared question by question.

Shapes: `better`, `other` (n_questions,): a score of each question, in one order.
"""

from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

import numpy as np

from qa_sweep.qa.intervals import Interval, Scores

_LARGEST_EXACT = 100_000  # discordant pairs; above, a normal approximation has no visible error


@dataclass(frozen=True)
class Difference:
    """How much better one run is than another, of its mean score, and how likely by chance."""

    interval: Interval
    p_value: float


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
