"""Curves: how trials went from evaluation to evaluation."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from optuna.trial import FrozenTrial

from qa_sweep.report.glyphs import BLOCKS

_LONGEST = 40  # characters of a small chart
_MISSING = "·"


def objective_curve(trial: FrozenTrial) -> list[float]:
    """The intermediate values that the trial has reported, in order."""
    return [value for _, value in sorted(trial.intermediate_values.items())]


def value_range(curves: Iterable[Sequence[float]]) -> tuple[float, float]:
    """Lowest and highest finite value of all; 0 and 0 where there is none."""
    values = [value for curve in curves for value in curve if math.isfinite(value)]
    return (min(values), max(values)) if values else (0.0, 0.0)


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """The values as blocks from `low` to `high`; of many, so many that they fit into a line."""
    height = high - low
    top = len(BLOCKS) - 1
    return "".join(
        BLOCKS[round(top * (value - low) / height) if height else 0]
        if math.isfinite(value)
        else _MISSING
        for value in _thinned(values)
    )


def _thinned(values: Sequence[float]) -> list[float]:
    """At most `_LONGEST` of them, evenly spread, the last always."""
    if len(values) <= _LONGEST:
        return list(values)
    ends = [round(len(values) * i / _LONGEST) for i in range(_LONGEST + 1)]
    return [values[end - 1] for _, end in pairwise(ends)]
