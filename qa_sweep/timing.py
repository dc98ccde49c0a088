"""Timing: where a run's time went, and how much it read in that time."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Seconds of the attempt that ended the run, up to its record; None is what is not known.

    What an interrupted attempt took, and a training that memory was too small for, is not counted
    as steps.
    """

    step_seconds: float | None  # training: from asking for a batch to the optimizer's update
    evaluation_seconds: float | None  # of the held-out split: predictions and their scores
    other_seconds: float | None  # the rest: data, model, files, tracking, the question set
    windows_per_second: float | None  # that were trained on, by step_seconds
    tokens_per_second: float | None  # of these windows, without padding
    real_token_share: float | None  # of the cells of the training's padded batches

    @staticmethod
    def of(content: Mapping[str, Any]) -> "Timing":
        """From a record, which may know less, or more."""
        return Timing(**{field.name: _number(content.get(field.name)) for field in fields(Timing)})

    def known(self) -> dict[str, float]:
        """By name, without what is not known."""
        return {name: value for name, value in vars(self).items() if value is not None}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None
