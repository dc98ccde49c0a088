"""Hang watch: ends a job that gave signs of life and gives none any more.

A worker process is ended as a whole, by a thread of faulthandler's, which needs no Python to run:
its lease dies with it, and its trial is tried again, as that of any worker that died. Nobody would
start the sweep's own process again: there the job alone is interrupted, which does not reach what
hangs outside of Python. Where it hung is left in a file.
"""

import faulthandler
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

_LONGEST_SILENCES = 4
_INTERVALS_A_LIMIT = 50  # the alarm is set anew once an interval at most, as that makes a thread
_SECOND_LOOK_S = 5.0


class Alarm(Protocol):
    """Goes off unless it is set anew in time, or cancelled."""

    def set(self, seconds: float) -> None: ...

    def cancel(self) -> None: ...


class HangWatch:
    """A context manager that watches a job while its body runs, by its signs of life.

    It begins with the second one: what comes before the first (data, downloads, a compiler) may
    take any time. The alarm goes off after `limit_s` seconds without any, or after four times the
    longest silence before if that is more, as steps may take hours elsewhere. None: never.
    """

    def __init__(self, limit_s: float | None, alarm: Alarm) -> None:
        self._limit_s = limit_s
        self._alarm = alarm
        self._longest_s = 0.0
        self._last: float | None = None
        self._set_at = float("-inf")

    def __enter__(self) -> "HangWatch":
        return self

    def __exit__(self, *_: object) -> None:
        self._limit_s = None  # a thread that the job has left behind is not watched
        self._alarm.cancel()

    def sign_of_life(self) -> None:
        """Cheap enough for each step."""
        if self._limit_s is None:
            return
        now, last = time.monotonic(), self._last
        self._last = now
        if last is None:
            return
        self._longest_s = max(self._longest_s, now - last)
        interval_s = self._limit_s / _INTERVALS_A_LIMIT
        if now - self._set_at >= interval_s:
            self._set_at = now
            self._alarm.set(max(self._limit_s, _LONGEST_SILENCES * self._longest_s) + interval_s)


class ProcessAlarm:
    """Ends this process; what its threads were at is then in the file `stack`."""

    def __init__(self, stack: Path) -> None:
        self._stack = stack
        self._file: IO[bytes] | None = None

    def set(self, seconds: float) -> None:
        if self._file is None:
            self._file = _open(self._stack)
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._file or sys.stderr)

    def cancel(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        if self._file is not None:
            self._file.close()
        with suppress(OSError):
            _remove_empty(self._stack.parent)


class JobAlarm:
    """Calls `interrupt`, once what the threads are at is in the file `stack`."""

    def __init__(self, stack: Path, interrupt: Callable[[], None]) -> None:
        self._stack = stack
        self._interrupt = interrupt
        self._timer: threading.Timer | None = None

    def set(self, seconds: float) -> None:
        self.cancel()
        self._timer = threading.Timer(seconds, self._go_off)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_off(self) -> None:
        time.sleep(_SECOND_LOOK_S)  # a process that was stopped and goes on gives a sign first
        if self._timer is not threading.current_thread():
            return
        file = _open(self._stack)
        faulthandler.dump_traceback(file or sys.stderr)
        if file is not None:
            file.close()
        self._interrupt()


def stack_file(folder: Path, attempt: int) -> Path:
    """Where a job that hangs leaves what it was at, in its folder."""
    return folder / f"hang-{attempt}.txt"


def is_stack(path: Path) -> bool:
    """Whether a job that hung has left its stack there; an empty file is of one that did not."""
    try:
        return path.stat().st_size > 0
    except OSError:  # it lies on another machine
        return False


def _open(stack: Path) -> IO[bytes] | None:
    """None where it cannot be written, as on a full disk, which ends no job."""
    try:
        _remove_empty(stack.parent)
        return stack.open("wb")
    except OSError:
        return None


def _remove_empty(folder: Path) -> None:
    """Remove the files of attempts that did not hang, also of those that were killed."""
    for path in folder.glob("hang-*.txt"):
        if not is_stack(path):
            path.unlink(missing_ok=True)
