"""Forking: what a template does: it forks a worker whenever the sweep asks for one.

Messages are JSON. The sweep says `["start", number, role, slot]` and `["signal", number, signal]`;
the template says `[[number, exit code], …]` of the workers that have ended, and `[]` once it is
ready. The numbers are the sweep's own: only the template knows for how long a process's number is
that of its worker.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from qa_sweep.sweep.role import WorkerRole

LONGEST_MESSAGE = 65536

_POLL_INTERVAL_S = 0.1  # how soon the end of a worker is seen
_PR_SET_PDEATHSIG = 1  # of sys/prctl.h
_STOPS = (signal.SIGINT, signal.SIGTERM)
_GPUS = ("/dev/nvidia", "/dev/kfd")


def fork_workers(sweep: socket.socket, preload: Callable[[], None]) -> None:
    """Import by `preload`, then fork workers. Returns in each of them, and in nobody else.

    Ends the process when the sweep's has ended, or if it cannot be forked any more.
    """
    os.setsid()  # a terminal's Ctrl-C is the sweep's to pass on
    _die_with_parent()
    # Where all processes are told to stop at once, the sweep must hear how its workers end.
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in _STOPS}
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):  # where it fails, a worker that is started anew says why
        os.dup2(nowhere, fd)
    os.close(nowhere)
    importlib.import_module("qa_sweep.sweep.sweeper")
    preload()
    gc.freeze()  # to look for garbage would write to what is shared, and so copy it
    if not is_forkable():
        os._exit(0)
    forks = _Forks(sweep, handlers)
    while not forks.is_worker:
        forks.serve()


def is_forkable() -> bool:
    """Whether a fork of this process is as good as a new one: no other thread, no GPU in use.

    A fork has but one thread, whatever the others were about to do, and no way to use a GPU. What
    else is there can be seen on Linux alone.
    """
    if sys.platform != "linux":
        return False
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)  # the threads of OpenBLAS, which knows about forks, are gone since
    n_threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    return n_threads == 1 and not any(path.startswith(_GPUS) for path in _open_paths())


def _open_paths() -> Iterator[str]:
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder's own is closed by now
            yield os.readlink(link)


def _die_with_parent() -> None:
    """Have the system kill this process when the sweep's is gone, even in the midst of imports.

    A fork does not inherit it. Source: prctl(2).
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _holding_stops() -> Iterator[None]:
    """Have them wait while the body runs: a worker that still ignores one would miss it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


class _Forks:
    """The workers that were forked of this process, until it is one of them itself.

    `handlers` are a worker's, of the signals that this process ignores.
    """

    def __init__(self, sweep: socket.socket, handlers: Mapping[signal.Signals, Any]) -> None:
        self.is_worker = False
        self._sweep = sweep
        self._handlers = handlers
        # Its write end closes with this process, whatever kills that: see `end_with_parent`.
        self._watch, self._alive = os.pipe()
        self._pids: dict[int, int] = {}
        self._tell([])

    def serve(self) -> None:
        """Do what the sweep asks for, once, and tell it who has ended."""
        if select.select([self._sweep], [], [], _POLL_INTERVAL_S)[0]:
            kind, number, *details = self._hear()
            if kind == "start":
                self._start(number, *details)
            elif number in self._pids:
                os.kill(self._pids[number], *details)
        if not self.is_worker:
            self._reap()

    def _start(self, number: int, role: Mapping[str, Any], slot: Mapping[str, str]) -> None:
        with _holding_stops():
            pid = os.fork()
            if pid == 0:
                for stop, handler in self._handlers.items():
                    signal.signal(stop, handler)
        if pid == 0:
            self.is_worker = True
            self._become(WorkerRole(**role), slot)
        else:
            self._pids[number] = pid

    def _become(self, role: WorkerRole, slot: Mapping[str, str]) -> None:
        """Be what a process is that was started as this worker."""
        os.setsid()
        self._sweep.close()
        log = os.open(role.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        for source, fd in ((self._watch, 0), (log, 1), (log, 2)):
            os.dup2(source, fd)
        for fd in (self._watch, self._alive, log):
            os.close(fd)
        os.environ |= {**slot, **role.environment()}
        numpy = sys.modules.get("numpy")
        if numpy is not None:  # else all workers draw the same numbers; Python's own are seen to
            numpy.random.seed()

    def _reap(self) -> None:
        ended = []
        for number, pid in list(self._pids.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended.append((number, os.waitstatus_to_exitcode(status)))
                del self._pids[number]
        if ended:
            self._tell(ended)

    def _tell(self, ended: list[tuple[int, int]]) -> None:
        with suppress(ConnectionError):  # the sweep is gone, which is seen when nothing is heard
            self._sweep.send(json.dumps(ended).encode())

    def _hear(self) -> list[Any]:
        with suppress(ConnectionError):
            if told := self._sweep.recv(LONGEST_MESSAGE):
                message: list[Any] = json.loads(told)
                return message
        os._exit(0)  # the sweep is gone
