"""Differences: of two ways over the same seeds."""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

# Student's t at 97.5 %, by the number of values less one.
T_975 = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
MOST_VALUES = max(T_975) + 1


def mean_with_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean and the ends of its 95 % interval, for 2 to 10 values."""
    middle = mean(values)
    margin = T_975[len(values) - 1] * stdev(values) / sqrt(len(values))
    return middle, middle - margin, middle + margin


def difference(values: Sequence[float], others: Sequence[float], form: str) -> str:
    """The mean difference, paired, with its interval."""
    pairs = zip(values, others, strict=True)
    middle, low, high = mean_with_interval([a - b for a, b in pairs])
    return f"{middle:+{form}} ({low:+{form}} to {high:+{form}})"
