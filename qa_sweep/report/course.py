"""Course: how a run went, as its folder tells it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_sweep.errors import StudyError
from qa_sweep.run_files import EVALUATIONS_FOLDER
from qa_sweep.run_record import RunRecord
from qa_sweep.timing import Timing

_PREFIX = "eval_"


@dataclass(frozen=True)
class Evaluated:
    """One evaluation of a run."""

    step: int
    epoch: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Course:
    """Of a finished run."""

    evaluations: tuple[Evaluated, ...]
    n_steps: int
    device: str
    n_parameters: int
    timing: Timing


def read_course(folder: Path) -> Course:
    """Raises StudyError where the folder holds no record of a finished run."""
    record = RunRecord.read(folder)
    content = record.result
    try:
        return Course(
            tuple(map(_evaluated, content["evaluations"])),
            int(content["n_steps"]),
            str(content["device"]),
            int(content["n_parameters"]),
            record.timing,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{folder} holds a record that no run has written: {error!r}") from error


def last_evaluated_step(folder: Path) -> int | None:
    """The optimizer step of the run's last stored evaluation; None where there is none."""
    files = (folder / EVALUATIONS_FOLDER).glob("*.parquet")
    return max((int(file.stem) for file in files if file.stem.isdecimal()), default=None)


def _evaluated(entry: Mapping[str, Any]) -> Evaluated:
    metrics = {
        name.removeprefix(_PREFIX): float(value)
        for name, value in entry.items()
        if name.startswith(_PREFIX) and isinstance(value, int | float) and math.isfinite(value)
    }
    return Evaluated(int(entry["step"]), float(entry["epoch"]), metrics)
