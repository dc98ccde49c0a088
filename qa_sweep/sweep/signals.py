"""Signals: Ctrl-C once drains, twice stops; SIGTERM stops at once.

To be asked to stop is not to be killed: the trial at work becomes a ticket again.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM has come. No `Exception`, so that no job's handling of errors swallows it."""


class StopRequest:
    """Whether the sweep shall take no more tickets."""

    def __init__(self, on_drain: Callable[[], None] = lambda: None) -> None:
        self.is_draining = False
        self._on_drain = on_drain

    def drain(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Finish what is at work and take nothing more; asked again, stop at once."""
        if self.is_draining:
            raise KeyboardInterrupt
        self.is_draining = True
        self._on_drain()

    @staticmethod
    def terminate(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not disturb the handing back
        raise Terminated(128 + number)


@contextmanager
def heeding_signals(request: StopRequest) -> Iterator[StopRequest]:
    """Have SIGINT and SIGTERM go to `request` while the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield request  # Python lets only the main thread handle signals
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, request.drain),
        signal.SIGTERM: signal.signal(signal.SIGTERM, request.terminate),
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
