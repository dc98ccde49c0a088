"""Role: what a worker process is told, by an environment variable."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_VARIABLE = "QA_SWEEP_WORKER"


@dataclass(frozen=True)
class WorkerRole:
    """A worker's number, and the folder of its study.

    With `is_isolating` it works on one trial, and ends. `sweep` names the sweep that it belongs to
    where only the study's storage connects the two.
    """

    index: int
    folder: str
    is_isolating: bool = False
    sweep: str | None = None

    @staticmethod
    def of_this_process() -> "WorkerRole | None":
        """None in a process that is not a worker."""
        told = os.environ.get(_VARIABLE)
        return None if told is None else WorkerRole(**json.loads(told))

    def environment(self) -> dict[str, str]:
        return {_VARIABLE: json.dumps(asdict(self))}

    @property
    def log(self) -> Path:
        return Path(self.folder) / ".workers" / f"{self.index}.log"
