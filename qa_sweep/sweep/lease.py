"""Lease: the sign that a RUNNING trial's worker lives.

A lease names its worker and is written anew by a thread, now and then. On the worker's own machine
a dead process is seen at once; elsewhere a lease counts as dead when it has not changed for a while
*by the observer's own clock*, so that clocks that disagree do no harm.
"""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import psutil

TIMEOUT_S = 60.0
STACK = "stack"  # names the file with what the worker was at, should it hang

_LONGEST_LOOK_AWAY_S = 5.0


class LeaseStore(Protocol):
    """Where a study's leases are kept, by the number of the trial."""

    beat_interval_s: float

    def read(self, number: int) -> dict[str, Any]:
        """What the lease says; empty where there is none."""

    def write(self, number: int, content: Mapping[str, Any]) -> None: ...

    def remove(self, number: int) -> None: ...

    def numbers(self) -> set[int]:
        """The trials that have anything here: also a finished one, where its worker was killed."""


class Lease:
    """A context manager that holds the lease of trial `number` while its body runs.

    `worker` is who works on it, `progress` says how far the trial is, and `stack` is where it is
    left what the worker was at, should it hang; the lease carries all to whoever watches.
    """

    def __init__(
        self,
        store: LeaseStore,
        number: int,
        worker: str = "",
        progress: Callable[[], Mapping[str, Any]] = dict,
        stack: Path | None = None,
    ) -> None:
        self._store = store
        self._number = number
        self._worker = worker
        self._progress = progress
        self._stack = {} if stack is None else {STACK: str(stack)}
        self._token = uuid.uuid4().hex
        self._n_beats = 0
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True)
        self.is_lost = False  # as the thread last saw it: costs nothing to ask

    def __enter__(self) -> "Lease":
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._released.set()
        self._thread.join()
        self.is_lost = not self.is_held
        if not self.is_lost:
            self._store.remove(self._number)

    @property
    def is_held(self) -> bool:
        """Whether the lease is still ours: a worker that stalled may have lost it."""
        return self._store.read(self._number).get("token") == self._token

    def _keep_beating(self) -> None:
        while not self._released.wait(self._store.beat_interval_s):
            with suppress(Exception):  # a full disk, or a server that is away, ends no trial
                if not self.is_held:  # taken over, since we seemed dead
                    self.is_lost = True
                    return
                self._beat()

    def _beat(self) -> None:
        self._n_beats += 1
        content = {
            "token": self._token,
            **this_process(),
            "worker": self._worker,
            **self._stack,
            "beat": self._n_beats,
            "progress": dict(self._progress()),
        }
        self._store.write(self._number, content)


class LeaseObserver:
    """Tells which leases are dead, by watching them."""

    def __init__(self, store: LeaseStore, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._store = store
        self._seen: dict[int, _Watch] = {}

    def is_dead(self, number: int) -> bool:
        """Whether the worker of trial `number` is gone; a missing lease ages as well."""
        lease = self._store.read(number)
        if _names_dead_process(lease):
            return True
        watch = self._seen.get(number)
        if watch is None or watch.lease != lease:
            watch = self._seen[number] = _Watch(lease)
        return watch.look() > self.timeout_s


class _Watch:
    """How long a lease has been seen unchanged."""

    def __init__(self, lease: Mapping[str, Any]) -> None:
        self.lease = lease
        self._watched_s = 0.0
        self._looked_at = time.monotonic()

    def look(self) -> float:
        """Seconds; a long time without a look (we slept, the storage was away) counts little."""
        now = time.monotonic()
        self._watched_s += min(now - self._looked_at, _LONGEST_LOOK_AWAY_S)
        self._looked_at = now
        return self._watched_s


def describe_worker(lease: Mapping[str, Any]) -> str:
    """Who holds the lease: the worker's name, and its host where that is not this one."""
    worker, host = str(lease.get("worker", "")), lease.get("host", "")
    return worker if host in ("", socket.gethostname()) else f"{worker}@{host}"


def end_worker(lease: Mapping[str, Any]) -> bool:
    """Kill the worker process that the lease names; return whether it lived on this machine.

    Of no other process: whoever started a worker starts another in its place.
    """
    is_here = lease.get("machine") == _machine() and not _names_dead_process(lease)
    if not is_here or not lease.get("worker"):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(int(lease["pid"]), signal.SIGKILL)
    return True


def _names_dead_process(lease: Mapping[str, Any]) -> bool:
    if lease.get("machine") != _machine():
        return False
    # The start time tells a living worker from a stranger that was given its pid.
    return _started(int(lease["pid"])) != lease["started"]


def this_process() -> dict[str, object]:
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": pid,
        "started": _started(pid),
    }


def _started(pid: int) -> str | None:
    """When the process started, in a form that a changed clock does not change; None if gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]  # ticks from boot
    except ProcessLookupError:
        return None
    except FileNotFoundError:  # gone, or not Linux
        return str(psutil.Process(pid).create_time()) if psutil.pid_exists(pid) else None


@cache
def _machine() -> str:
    """Names the set of processes that can see each other: host, boot and pid namespace."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        namespace, boot = "", str(psutil.boot_time())
    return f"{socket.gethostname()} {boot} {namespace}"
