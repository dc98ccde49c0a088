"""Signals: being asked to stop is not being killed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM has come. No `Exception`, so that no job's handling of errors swallows it."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Have SIGTERM raise in the body, so that its trial is handed back before the process ends."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread handle signals
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the handing back
    raise Terminated(128 + number)
