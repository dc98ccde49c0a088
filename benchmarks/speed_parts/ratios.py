"""Ratios of what was measured in pairs."""

from collections.abc import Sequence
from statistics import median


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """The median of the ratios in the pairs, and the least and the greatest of them."""
    ratios = sorted(a / b for a, b in zip(values, others, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def in_words(n_pairs: int) -> str:
    """What `ratio` shows; each pair is as likely above the true median as below it."""
    if n_pairs == 1:
        return "one pair"
    return f"median of {n_pairs} pairs (least to greatest, {1 - 2 ** (1 - n_pairs):.0%} sure)"
