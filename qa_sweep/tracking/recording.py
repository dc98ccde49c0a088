"""Applies events in a thread of its own, which may hang where nothing else may wait for it."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from qa_sweep.redaction import redact
from qa_sweep.tracking.events import Event
from qa_sweep.tracking.markup import shorten

STALL_TIMEOUT_S = 60.0  # one event takes a millisecond; making a repo on a busy machine, 20 s
ABANDON_TIMEOUT_S = 2.0
MAX_REASON_CHARS = 300


class EventTarget(Protocol):
    """What events are applied to."""

    def apply(self, event: Event) -> None: ...

    def abandon(self) -> None:
        """Let go of all, without waiting; nothing is applied after it."""


class Recording:
    """Gives `events` to `target`, until they end or one fails.

    The thread is a daemon: an event that is never done with does not keep the process from exiting.
    """

    def __init__(self, target: EventTarget, events: Iterable[Event]) -> None:
        self._target = target
        self._events = events
        self._fault: str | None = None
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str | None:
        """Why recording has ended early; None as long as it has not."""
        since = self._busy_since
        if since is not None and time.monotonic() - since > STALL_TIMEOUT_S:
            self.give_up(f"TimeoutError: no answer within {STALL_TIMEOUT_S:g} s")
        return self._fault

    def has_ended(self, wait_s: float) -> bool:
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def give_up(self, reason: str) -> None:
        """End a recording that hangs or is too slow."""
        if self._fault is not None:
            return
        self._fault = reason
        # On a disk that hangs, letting go may hang too.
        letting_go = threading.Thread(target=self._target.abandon, daemon=True)
        with suppress(RuntimeError):  # the interpreter ends, and starts no more threads
            letting_go.start()
            letting_go.join(ABANDON_TIMEOUT_S)

    def _work(self) -> None:
        try:
            for event in self._events:
                if self._fault is not None:
                    return
                self._busy_since = time.monotonic()
                self._target.apply(event)
                self._busy_since = None
        except Exception as error:  # whatever a tracker raises must not reach the training
            self._busy_since = None
            self._fail(described(error))

    def _fail(self, reason: str) -> None:
        """In the recording's thread, after which what was open is free to be opened again."""
        if self._fault is None:
            self._fault = reason
            self._target.abandon()


def described(error: Exception) -> str:
    """The kind of an error and its text, in one line without secrets."""
    text = shorten(" ".join(redact(str(error)).split()), MAX_REASON_CHARS)
    return f"{type(error).__name__}: {text}"
