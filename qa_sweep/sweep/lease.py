"""Lease: the sign that a RUNNING trial's worker lives.

A lease is a small file that names its worker and is touched by a thread. On the worker's own
machine a dead process is seen at once; elsewhere a lease counts as dead when it has not changed for
a while *by the observer's own clock*, so that clocks that disagree do no harm.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

TOUCH_INTERVAL_S = 1.0
TIMEOUT_S = 60.0


class Lease:
    """A context manager that holds the lease file at `path` while its body runs.

    `progress` says how far the trial is; the file carries it to whoever watches.
    """

    def __init__(self, path: Path, progress: Callable[[], Mapping[str, Any]] = dict) -> None:
        self._path = path
        self._progress = progress
        self._token = uuid.uuid4().hex
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_touching, daemon=True)

    def __enter__(self) -> "Lease":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write()
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
        if self.is_held:
            self._path.unlink(missing_ok=True)

    @property
    def is_held(self) -> bool:
        """Whether the lease is still ours: a worker that stalled may have lost it."""
        return _read(self._path).get("token") == self._token

    def _keep_touching(self) -> None:
        while not self._released.wait(TOUCH_INTERVAL_S):
            if not self.is_held:  # taken over, since we seemed dead
                return
            with suppress(OSError):  # a full disk must not end the trial
                self._write()

    def _write(self) -> None:
        content = {"token": self._token, **_this_process(), "progress": dict(self._progress())}
        temporary = self._path.with_suffix(f".{self._token}")
        temporary.write_text(json.dumps(content))
        temporary.replace(self._path)


class LeaseObserver:
    """Tells which leases are dead, by watching them."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._seen: dict[Path, tuple[int | None, float]] = {}

    def is_dead(self, path: Path) -> bool:
        """Whether the worker behind the lease at `path` is gone; a missing file ages as well."""
        if _names_dead_process(_read(path)):
            return True
        changed = _changed_at(path)
        now = time.monotonic()
        last, since = self._seen.get(path, (None, now))
        if path not in self._seen or changed != last:
            since = now
        self._seen[path] = (changed, since)
        return now - since > self._timeout_s


def read_progress(path: Path) -> dict[str, Any]:
    """How far the trial is, as its worker last wrote it; empty where nothing is known."""
    progress = _read(path).get("progress")
    return progress if isinstance(progress, dict) else {}


def _changed_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _names_dead_process(lease: dict[str, object]) -> bool:
    if lease.get("machine") != _machine():
        return False
    # The start time tells a living worker from a stranger that was given its pid.
    return _started(int(str(lease["pid"]))) != lease["started"]


def _this_process() -> dict[str, object]:
    pid = os.getpid()
    return {"machine": _machine(), "pid": pid, "started": _started(pid)}


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
