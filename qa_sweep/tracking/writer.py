"""Does a tracker's work in a thread of its own, so that no fault of it reaches the training.

A full disk makes Aim raise, and can make it wait for ever; a slow one makes it slow. All its calls
are therefore actions handed to one thread: the caller never waits unless it asks to, and the first
exception ends the work for good.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Action = Callable[[], object]


class Writer:
    """Does actions one after the other; after the first exception it drops all that follow.

    The thread is a daemon: an action that never returns does not keep the process from exiting.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is called once, in the writer's thread, with the first exception."""
        self._on_failure = on_failure
        self._failed = False
        self._queue: SimpleQueue[tuple[Action, threading.Event, bool]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def submit(self, action: Action) -> threading.Event:
        """Have `action` done; the event is set when it was done, failed or dropped."""
        return self._put(action, is_last=False)

    def finish(self, action: Action, timeout_s: float) -> bool:
        """Have `action` done as the last of all; False where the time did not suffice."""
        return self._put(action, is_last=True).wait(timeout_s)

    def _put(self, action: Action, *, is_last: bool) -> threading.Event:
        done = threading.Event()
        self._queue.put((action, done, is_last))
        return done

    def _work(self) -> None:
        is_last = False
        while not is_last:
            action, done, is_last = self._queue.get()
            if not self._failed:
                self._attempt(action)
            del action  # while waiting for the next one, nothing of this one is held
            done.set()

    def _attempt(self, action: Action) -> None:
        try:
            action()
        except Exception as error:  # whatever a tracker raises must not reach the training
            self._failed = True
            self._on_failure(error)
