"""Local workers: processes of this machine, started again when they die, gone when we are.

A worker process is the same command once more, told by an environment variable that it is a worker;
so there is nothing to pickle, and any Hydra app can be swept over. Where the app says what
its jobs import, workers are forked of one process that has imported it: see `template`.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Protocol

from qa_sweep.disk import no_room
from qa_sweep.errors import StudyError
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.slots import slot_environment

if TYPE_CHECKING:
    from qa_sweep.sweep.template import Template

DISK_FULL = os.EX_IOERR  # exit code of a worker that had no room

_DEATHS_IN_A_ROW = 3  # of each worker, on average, before we give up
_GRACE_S = 30.0  # for a worker to hand its ticket back, or to end where nothing is left to do


class WorkerProcess(Protocol):
    """What a `subprocess.Popen` and a forked worker have in common."""

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""

    def send_signal(self, sig: int, /) -> None: ...

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""


class LocalWorkers:
    """A context manager that keeps a process at work for each of the `roles`.

    They are forked of the `template` as long as there is one.
    """

    patience_s = _GRACE_S

    def __init__(self, roles: Sequence[WorkerRole], template: "Template | None" = None) -> None:
        self._roles = list(roles)
        self._template = template
        self._processes: dict[WorkerRole, WorkerProcess] = {}
        self._n_deaths = 0

    def __enter__(self) -> "LocalWorkers":
        for role in self._roles:
            self._start(role)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop those that are left; each hands its ticket back."""
        self.stop()
        await_end(*self._processes.values())

    @property
    def any_ended(self) -> bool:
        return any(process.poll() is not None for process in self._processes.values())

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
        if code == DISK_FULL:
            raise no_room(role.log.parent.parent)
        self._n_deaths += 1
        if self._n_deaths > _DEATHS_IN_A_ROW * len(self._roles):
            raise StudyError(f"workers keep dying (the last {how_it_ended(code)}); see {role.log}")

    def _start(self, role: WorkerRole) -> None:
        slot = slot_environment(self._roles.index(role), len(self._roles))
        if self._template is not None and self._template.lives:
            self._processes[role] = self._template.start(role, slot)
        else:
            self._processes[role] = start_worker(role, this_command(), slot)

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


def await_end(*processes: WorkerProcess) -> None:
    """Give workers that were told to stop the time to hand their tickets back; kill who is left."""
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # a disk that hangs keeps it from ending
                process.wait(_GRACE_S)


def how_it_ended(code: int) -> str:
    """The exit code in words; it is negative where a signal ended the process."""
    if code >= 0:
        return f"with exit code {code}"
    hint = ", as where memory is full" if -code == signal.SIGKILL else ""
    return f"by signal {-code}, {signal.strsignal(-code)}{hint}"


def this_command() -> list[str]:
    """The words by which this process was started."""
    return [sys.executable, *sys.orig_argv[1:]]


def end_at_once() -> NoReturn:
    """In a worker that is through: end as the interpreter does, but leave the memory to the system.

    To free a fork's objects one by one first copies what it shares with its template, which takes
    longer than a short trial.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # as `multiprocessing` ends its forks
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # of a disk that is full, or closed
            stream.flush()
    os._exit(0)


def end_with_parent() -> None:
    """In a worker: end by SIGTERM when the sweep's process is gone, however it went.

    Its end of our standard input closes with it, whatever killed it. A job that is deaf to SIGTERM
    is killed after a while, as the sweep would have done.
    """

    def wait_for_the_end() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
