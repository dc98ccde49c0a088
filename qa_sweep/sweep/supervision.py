"""Supervision: the sweep's process watches over the workers and shows what they do."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from qa_sweep.sweep.display import Display
from qa_sweep.sweep.signals import StopRequest
from qa_sweep.sweep.study import SweepStudy

_REFRESH_INTERVAL_S = 0.5


class Workers(AbstractContextManager[Any], Protocol):
    """The workers of one sweep, wherever they are: they start with the body and end with it."""

    def tend(self, has_work: Callable[[], bool]) -> bool:
        """Start those that ended again, where there is work; return whether any is left."""

    def drain(self) -> None:
        """Have each finish its trial and take no other."""

    def reset_deaths(self) -> None:
        """Work gets done: the deaths until now were not the workers' habit."""


def supervise(workers: Workers, study: SweepStudy, display: Display, request: StopRequest) -> None:
    """Return when the workers are through, or have drained on `request`."""

    def has_work() -> bool:
        return not request.is_draining and study.halt is None and study.has_open

    told_to_drain = False
    with workers, display.watching():
        while workers.tend(has_work):
            if request.is_draining and not told_to_drain:
                workers.drain()
                told_to_drain = True
            if display.refresh():
                workers.reset_deaths()
            study.reap()
            time.sleep(_REFRESH_INTERVAL_S)
            request.heed()
    display.refresh()
