"""Remote worker: what a launcher runs somewhere, and keeps a worker process at work there.

Whatever the launcher does to its jobs, a worker is the same command once more, as it is here.
"""

import os
import signal
import sys
import time
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_sweep.disk import no_room
from qa_sweep.errors import StudyError
from qa_sweep.sweep.local import DISK_FULL, await_end, how_it_ended, start_worker
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.signals import Terminated
from qa_sweep.sweep.slots import slot_environment

_DEATHS_IN_A_ROW = 2
_HEALTHY_S = 60.0  # a worker that has lived so long does not die of how it was started
_POLL_INTERVAL_S = 0.2
_ENDED_WELL = (0, 128 + signal.SIGTERM, -signal.SIGTERM)  # through, or told to stop


@dataclass(frozen=True)
class RemoteWorker:
    """A task function for Hydra's launchers, who pickle it: of plain values, and no secrets.

    `words` are what follows the Python in the command; the Python is the one that runs the job.
    """

    words: tuple[str, ...]
    cwd: str
    role: WorkerRole

    def __call__(self, _config: object) -> None:
        """Return when the worker has ended well.

        Raises StudyError where it keeps dying, and DiskFull where it has no room.
        """
        if not Path(self.cwd).is_dir():
            raise StudyError(f"{self.cwd} must be there on each machine that workers run on")
        parent = os.getppid()
        self._keep_at_work()
        if os.getppid() != parent:  # nobody waits for us, and joblib's processes would never end
            os._exit(0)

    def _keep_at_work(self) -> None:
        n_deaths = 0
        with chdir(self.cwd), _EndingSignals() as signals:
            while n_deaths < _DEATHS_IN_A_ROW:
                started = time.monotonic()
                code = self._run(signals)
                if code in _ENDED_WELL:
                    return
                if code == DISK_FULL:
                    raise no_room(Path(self.role.folder))
                n_deaths = 1 if time.monotonic() - started > _HEALTHY_S else n_deaths + 1
        raise StudyError(f"it keeps dying, the last {how_it_ended(code)}; see {self.role.log}")

    def _run(self, signals: "_EndingSignals") -> int:
        """Run the worker until it ends; one that lives when we are to end hands its ticket back."""
        command = [sys.executable, *self.words]
        process = start_worker(self.role, command, slot_environment(0, 1))
        try:
            while (code := process.poll()) is None:
                time.sleep(_POLL_INTERVAL_S)
                signals.heed()
            return code
        except BaseException:
            process.terminate()
            await_end(process)
            signals.pass_on()
            raise


class _EndingSignals:
    """A context manager that notes what tells a job to end, for the worker to end first.

    Clusters send SIGUSR1 or SIGUSR2 before they take a job's machine away, and SIGTERM when they
    do; submitit answers the first two by putting the job back into the queue, and Ray the last.
    A terminal's Ctrl-C concerns the sweep alone, which tells the workers through the study.
    """

    def __init__(self) -> None:
        self._noted: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_EndingSignals":
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            self._before[number] = signal.signal(number, self._note)
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
        # The engine blocks it in what it launches, and a worker would inherit that.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            if handler is not None:  # None is one that was not set from Python
                signal.signal(number, handler)

    def heed(self) -> None:
        """Raise Terminated where a signal has come."""
        if self._noted is not None:
            raise Terminated(128 + self._noted)

    def pass_on(self) -> None:
        """Do what the launcher does on the signal that has come, if one has."""
        handler = self._before.get(self._noted or 0)
        if callable(handler):
            handler(self._noted, None)

    def _note(self, number: int, _frame: object) -> None:
        self._noted = number
