"""Takes a tracker's events, keeps them in the spool and has them recorded.

A full disk makes Aim raise, and can make it wait for ever; a slow one makes it slow. So the caller
hands its events over and never waits, unless it asks to. One thread makes them and writes them to
the spool; another records them in Aim (`Recording`). When that fails, the first goes on alone.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from queue import Empty, SimpleQueue

from qa_sweep.tracking.events import Event
from qa_sweep.tracking.recording import EventTarget, Recording, described
from qa_sweep.tracking.spool import Spool, read_events

Make = Callable[[], Event]

LOOK_INTERVAL_S = 0.5  # between two looks whether the recording still goes on
TAKE_TIMEOUT_S = 60.0  # while another settles what an earlier attempt has left
MAX_QUEUED = 100_000  # events that wait to be recorded, or to be spooled
LAST_WAIT_S = 5.0

logger = logging.getLogger(__name__)


class Writer:
    """Writes the events of one tracker, in the order in which they are submitted."""

    def __init__(self, spool: Spool, target: EventTarget, place: str) -> None:
        """`place` is the repo, as the warning names it."""
        self._spool = spool
        self._target = target
        self._place = place
        self._submitted: SimpleQueue[tuple[float, Make | None]] = SimpleQueue()
        self._spooled: SimpleQueue[Event | None] = SimpleQueue()
        self._spool_fault: str | None = None
        self._n_dropped = 0
        self._is_off = False
        self._recording: Recording | None = None
        self._done = threading.Event()
        threading.Thread(target=self._work, name="tracking-spool", daemon=True).start()

    def submit(self, make: Make) -> None:
        """Have the event that `make` returns spooled and recorded."""
        if self._submitted.qsize() < MAX_QUEUED:  # else the run's folder hangs
            self._submitted.put((time.time(), make))
        else:
            self._n_dropped += 1

    def finish(self, make: Make, timeout_s: float) -> None:
        """Submit the last event; return when all is recorded or spooled, or time is over."""
        self._submitted.put((time.time(), make))
        self._submitted.put((time.time(), None))
        if not self._done.wait(timeout_s):
            self._give_up(f"TimeoutError: not closed within {timeout_s:g} s")
            self._done.wait(LAST_WAIT_S)

    def _work(self) -> None:
        try:
            all_events = chain(self._left_before(), iter(self._spooled.get, None))
            self._recording = Recording(self._target, all_events)
            self._keep_all()
            self._conclude()
        except Exception as error:  # of ours; it must not reach the training either
            self._give_up(described(error))
            self._look()
            self._spool.close()
        finally:
            self._done.set()

    def _left_before(self) -> Iterator[Event]:
        """Events that an earlier attempt in this folder has left, to be recorded before ours."""
        try:
            if not self._spool.take(TAKE_TIMEOUT_S, make=True):
                self._spool_fault = "another process holds it"
        except OSError as error:
            self._spool_fault = described(error)
        if self._spool.size == 0:
            return iter(())
        return read_events(self._spool.path, self._spool.size)

    def _keep_all(self) -> None:
        while True:
            with_time = self._next()
            self._look()
            if with_time is None:
                continue
            at, make = with_time
            if make is None:
                return
            self._keep(make() | {"time": at})

    def _next(self) -> tuple[float, Make | None] | None:
        try:
            return self._submitted.get(timeout=LOOK_INTERVAL_S)
        except Empty:
            return None

    def _keep(self, event: Event) -> None:
        if self._spool.is_taken:
            self._spool.append(event)
        elif self._is_off:
            self._n_dropped += 1
        if not self._is_off:
            self._spooled.put(event)

    def _look(self) -> None:
        """Go on alone when the recording has failed, or does not keep up."""
        if self._is_off or self._recording is None:
            return
        if self._spooled.qsize() > MAX_QUEUED:
            self._give_up(f"{MAX_QUEUED} events wait to be written")
        if self._recording.fault is not None:
            self._is_off = True
            while not self._spooled.empty():
                self._spooled.get()
            self._spooled.put(None)
            self._warn(self._recording.fault)

    def _give_up(self, reason: str) -> None:
        if self._recording is not None:
            self._recording.give_up(reason)

    def _conclude(self) -> None:
        assert self._recording is not None
        self._spooled.put(None)
        while not self._is_off and not self._recording.has_ended(LOOK_INTERVAL_S):
            self._look()
        self._look()
        if not self._is_off:
            self._spool.remove()
            return
        self._spool.close()
        n_lost = self._spool.n_lost + self._n_dropped
        if n_lost and self._spool_fault is None:  # else the warning has said it
            logger.warning("%d events of %s are lost: no room for them", n_lost, self._spool.path)

    def _warn(self, reason: str) -> None:
        """The one place where a fault of tracking ends."""
        if self._spool.is_taken:
            kept = f"What the run reports is kept in {self._spool.path} until that can be written."
        else:
            kept = f"Nothing of it can be kept ({self._spool_fault or 'no spool'})."
        logger.warning(
            "Aim tracking is off for this run, which goes on without it: %s in %s. %s",
            reason,
            self._place,
            kept,
        )
