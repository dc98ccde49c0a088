"""Local workers: processes of this machine, started again when they die, gone when we are.

A worker process is the same command once more, told by an environment variable that it is a worker;
so there is nothing to pickle, and any Hydra app can be swept over.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from qa_sweep.errors import StudyError
from qa_sweep.sweep.slots import slot_environment

_ROLE = "QA_SWEEP_WORKER"
_DEATHS_IN_A_ROW = 3  # of each worker, on average, before we give up
_GRACE_S = 30.0  # for a worker to hand its ticket back


@dataclass(frozen=True)
class WorkerRole:
    """What a worker process is told: its number, and the study's folder."""

    index: int
    folder: Path

    @staticmethod
    def of_this_process() -> "WorkerRole | None":
        """None in a process that is not a worker."""
        told = os.environ.get(_ROLE)
        if told is None:
            return None
        content = json.loads(told)
        return WorkerRole(content["index"], Path(content["folder"]))

    def environment(self) -> dict[str, str]:
        return {_ROLE: json.dumps({"index": self.index, "folder": str(self.folder)})}

    @property
    def log(self) -> Path:
        return self.folder / ".workers" / f"{self.index}.log"


class LocalWorkers:
    """A context manager that keeps `n_workers` processes at work on the study in `folder`."""

    def __init__(self, n_workers: int, folder: Path) -> None:
        self._roles = [WorkerRole(index, folder) for index in range(n_workers)]
        self._processes: dict[WorkerRole, subprocess.Popen[bytes]] = {}
        self._n_deaths = 0

    def __enter__(self) -> "LocalWorkers":
        for role in self._roles:
            self._start(role)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop those that are left; each hands its ticket back."""
        self._send(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def tend(self, draining: bool) -> bool:
        """Start dead workers again, unless `draining`; return whether any is at work.

        Raises StudyError where workers keep dying.
        """
        for role, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self._processes[role]
            if code != 0 and not draining:
                self._replace(role, code)
        return bool(self._processes)

    def drain(self) -> None:
        """Have each worker finish its trial and take no other."""
        self._send(signal.SIGINT)

    def reset_deaths(self) -> None:
        """Work gets done: the deaths until now were not the workers' habit."""
        self._n_deaths = 0

    def _replace(self, role: WorkerRole, code: int) -> None:
        self._n_deaths += 1
        if self._n_deaths > _DEATHS_IN_A_ROW * len(self._roles):
            raise StudyError(f"workers keep dying (the last with exit code {code}); see {role.log}")
        self._start(role)

    def _start(self, role: WorkerRole) -> None:
        role.log.parent.mkdir(parents=True, exist_ok=True)
        slot = slot_environment(role.index, len(self._roles))
        with role.log.open("ab") as log:
            self._processes[role] = subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                env={**os.environ, **slot, **role.environment()},
                stdin=subprocess.PIPE,  # held open: see `end_with_parent`
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is ours to pass on
            )

    def _send(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(number)


def end_with_parent() -> None:
    """In a worker: end by SIGTERM when the sweep's process is gone, however it went.

    Its end of our standard input closes with it, whatever killed it.
    """

    def wait_for_the_end() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
