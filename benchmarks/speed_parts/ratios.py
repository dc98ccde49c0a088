"""Ratios of what was measured in pairs, and how sure their median is."""

from collections.abc import Sequence
from math import comb
from statistics import median

LEAST_SURE = 0.93  # that an interval shall hold the true median; five pairs can be 94 % sure


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """The median of the ratios in the pairs, and its interval."""
    ratios = sorted(a / b for a, b in zip(values, others, strict=True))
    nth = nth_from_the_ends(len(ratios))
    return f"{median(ratios):.2f} ({ratios[nth - 1]:.2f} to {ratios[-nth]:.2f})"


def in_words(n_pairs: int) -> str:
    """What `ratio` shows."""
    if n_pairs == 1:
        return "one pair"
    nth = nth_from_the_ends(n_pairs)
    ends = "least to greatest" if nth == 1 else f"but for the {nth - 1} least and greatest"
    return f"median of {n_pairs} pairs ({ends}, {100 * sureness(n_pairs, nth):.0f} % sure)"


def nth_from_the_ends(n_values: int) -> int:
    """Which of the sorted values, counted from both ends, bound the interval of their median.

    The narrowest ones that are sure enough; of few values the outermost, which are less so.
    """
    sure = (n for n in range(1, n_values // 2 + 1) if sureness(n_values, n) >= LEAST_SURE)
    return max(sure, default=1)


def sureness(n_values: int, nth: int) -> float:
    """How likely the true median lies between the values that are `nth` from the ends.

    Each value is as likely above it as below, whatever their distribution (a sign test, turned).
    """
    beyond: float = sum(comb(n_values, n) for n in range(nth)) / 2**n_values
    return 1 - 2 * beyond
