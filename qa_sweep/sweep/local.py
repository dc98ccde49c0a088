"""Local workers: processes of this machine, started again when they die, gone when we are.

A worker process is the same command once more, told by an environment variable that it is a worker;
so there is nothing to pickle, and any Hydra app can be swept over.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from qa_sweep.errors import StudyError
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.slots import slot_environment

_DEATHS_IN_A_ROW = 3  # of each worker, on average, before we give up
_GRACE_S = 30.0  # for a worker to hand its ticket back


class LocalWorkers:
    """A context manager that keeps a process at work for each of the `roles`."""

    def __init__(self, roles: Sequence[WorkerRole], command: Sequence[str] | None = None) -> None:
        self._roles = list(roles)
        self._command = list(command or this_command())
        self._processes: dict[WorkerRole, subprocess.Popen[bytes]] = {}
        self._n_deaths = 0

    def __enter__(self) -> "LocalWorkers":
        for role in self._roles:
            self._start(role)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop those that are left; each hands its ticket back."""
        self.stop()
        for process in self._processes.values():
            await_end(process)

    def tend(self, has_work: Callable[[], bool]) -> bool:
        """Start those that ended again, where there is work for them; return whether any is left.

        Raises StudyError where workers keep dying.
        """
        for role, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self._processes[role]
            if code != 0:
                self._count_death(role, code)
            if has_work():
                self._start(role)
        return bool(self._processes)

    def drain(self) -> None:
        """Have each worker finish its trial and take no other."""
        self._send(signal.SIGINT)

    def stop(self) -> None:
        """Have each worker hand its ticket back and end."""
        self._send(signal.SIGTERM)

    def reset_deaths(self) -> None:
        """Work gets done: the deaths until now were not the workers' habit."""
        self._n_deaths = 0

    def _count_death(self, role: WorkerRole, code: int) -> None:
        self._n_deaths += 1
        if self._n_deaths > _DEATHS_IN_A_ROW * len(self._roles):
            raise StudyError(f"workers keep dying (the last with exit code {code}); see {role.log}")

    def _start(self, role: WorkerRole) -> None:
        slot = slot_environment(self._roles.index(role), len(self._roles))
        self._processes[role] = start_worker(role, self._command, slot)

    def _send(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(number)


def start_worker(
    role: WorkerRole, command: Sequence[str], slot: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start `command` as a worker that has the device slot `slot`."""
    role.log.parent.mkdir(parents=True, exist_ok=True)
    with role.log.open("ab") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, **slot, **role.environment()},
            stdin=subprocess.PIPE,  # held open: see `end_with_parent`
            stdout=log,
            stderr=log,
            start_new_session=True,  # the terminal's Ctrl-C is ours to pass on
        )


def await_end(process: subprocess.Popen[bytes]) -> None:
    """Give a worker that was told to stop the time to hand its ticket back."""
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def this_command() -> list[str]:
    """The words by which this process was started."""
    return [sys.executable, *sys.orig_argv[1:]]


def end_with_parent() -> None:
    """In a worker: end by SIGTERM when the sweep's process is gone, however it went.

    Its end of our standard input closes with it, whatever killed it.
    """

    def wait_for_the_end() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
