"""Brings metrics and params to the few types that a tracker stores faithfully."""

import math
import numbers
from collections.abc import Mapping
from enum import Enum

from qa_sweep.redaction import redact
from qa_sweep.tracking.markup import without_markup

PlainValue = bool | int | float | str | None | list["PlainValue"] | dict[str, "PlainValue"]


def finite_metrics(metrics: Mapping[str, object]) -> dict[str, float]:
    """The metrics that are finite numbers, as floats.

    Others are left out: None would be stored as a text, and a NaN breaks the axes of a chart. That
    a run diverged is told by its outcome.
    """
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    }


def plain(value: object) -> PlainValue:
    """`value` in JSON's types: enums by value, sequences as lists, all else as redacted text.

    No markup is left in texts and names.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, Mapping):
        return {without_markup(str(name)): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return without_markup(redact(str(value)))
