"""Signals: Ctrl-C once drains, twice stops at once; SIGTERM stops when the job has saved its state.

To be asked to stop is not to be killed: the trial at work becomes a ticket again.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_REPRIEVE_S = 20.0  # for a job to save its state; a worker is given some more to end


class Terminated(SystemExit):
    """SIGTERM has come. No `Exception`, so that no job's handling of errors swallows it."""


class Hung(BaseException):
    """The job gives no sign of life. No `Exception`, for the same reason."""


def _never() -> bool:
    return False


class StopRequest:
    """Whether the sweep shall take no more tickets, or stop at once.

    It also takes none once `timeout_s` seconds have passed. To stop is to raise: where `heed` is
    called, and while `interrupting` wherever the process is.
    """

    def __init__(self, timeout_s: float | None = None) -> None:
        self.was_asked = False
        self._interrupts = False
        self._is_spared = _never
        self._stop: BaseException | None = None
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def is_out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    @property
    def is_draining(self) -> bool:
        return self.was_asked or self.is_out_of_time

    def drain(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Finish what is at work and take nothing more; asked again, stop at once."""
        if self.was_asked:
            self._stop_with(KeyboardInterrupt())
        self.was_asked = True

    def terminate(self, number: int, _frame: FrameType | None = None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not disturb the handing back
        stop = Terminated(128 + number)
        if self._is_spared():
            self._stop = stop
            signal.setitimer(signal.ITIMER_REAL, _REPRIEVE_S)
        else:
            self._stop_with(stop)

    def end_job(self) -> None:
        """From another thread: have the job at work raise Hung, where SIGALRM is ours to send."""
        if signal.getsignal(signal.SIGALRM) == self.time_is_up:
            os.kill(os.getpid(), signal.SIGALRM)

    def time_is_up(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """The time is up, to save the state in or to give a sign of life in."""
        if self._stop is not None:
            self._stop_with(self._stop)
        elif self._interrupts:
            self._interrupts = False
            raise Hung

    @property
    def is_stopping(self) -> bool:
        """Whether the job at work is to end; one that is spared saves its state before."""
        return self._stop is not None

    def heed(self) -> None:
        """Raise what a signal has brought, if any has come, be it once more.

        What it raised where the process was at that moment may have been swallowed there: an error
        in a `finally` on its way takes its place, and nothing gets out of a `__del__`.
        """
        if self._stop is not None and not self._is_spared():
            raise self._stop

    @contextmanager
    def interrupting(self, is_spared: Callable[[], bool] = _never) -> Iterator[None]:
        """While the body runs, a signal is an exception wherever it is: this ends a job.

        While `is_spared` says so, SIGTERM waits for the job to save its state, for some seconds.
        """
        self.heed()
        self._interrupts, self._is_spared = True, is_spared
        try:
            yield
        finally:
            self._interrupts, self._is_spared = False, _never

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold such exceptions back while the body runs, and then heed.

        An interrupted call of SQLAlchemy's can leave the database locked for a minute.
        """
        if not (self._interrupts and threading.current_thread() is threading.main_thread()):
            yield  # signals disturb no other thread
            return
        self._interrupts = False
        try:
            yield
        finally:
            self._interrupts = True
        self.heed()

    def _stop_with(self, error: BaseException) -> None:
        self._stop, self._is_spared = error, _never
        if self._interrupts:
            self._interrupts = False  # what is done on the way out is not to be disturbed again
            raise error


@contextmanager
def heeding_signals(request: StopRequest) -> Iterator[StopRequest]:
    """Have SIGINT, SIGTERM and SIGALRM go to `request` while the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield request  # Python lets only the main thread handle signals
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, request.drain),
        signal.SIGTERM: signal.signal(signal.SIGTERM, request.terminate),
        signal.SIGALRM: signal.signal(signal.SIGALRM, request.time_is_up),
    }
    try:
        yield request
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # it would end the process that heeds it no more
        for number, handler in before.items():
            signal.signal(number, handler)
