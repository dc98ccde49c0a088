"""Supervision: the sweep's process watches over the workers and shows what they do."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from optuna.trial import TrialState

from qa_sweep.sweep.display import Display
from qa_sweep.sweep.signals import StopRequest
from qa_sweep.sweep.study import SweepStudy

log = logging.getLogger(__name__)

_REFRESH_INTERVAL_S = 0.5
_LOOK_INTERVAL_S = 0.05  # how soon it is seen that a worker has ended


class Workers(AbstractContextManager[Any], Protocol):
    """The workers of one sweep, wherever they are: they start with the body and end with it.

    `patience_s` is how long they may take to end by themselves when nothing is left to do.
    """

    patience_s: float

    @property
    def any_ended(self) -> bool:
        """Whether one has ended since they were last tended."""

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
    idleness = _Idleness(lambda: not _is_at_work(study) and not has_work())
    with workers, display.watching():
        while workers.tend(has_work):
            if request.is_draining and not told_to_drain:
                workers.drain()
                told_to_drain = True
            if display.refresh():
                workers.reset_deaths()
            study.reap()
            _tell_of_hung(study)
            if idleness.lasts_for(workers.patience_s):
                log.warning("nothing is left to do, but workers do not end: they are stopped")
                break
            _rest(workers)
            request.heed()
    _tell_of_hung(study)
    display.refresh()


def _rest(workers: Workers) -> None:
    """Wait until it is time to look at the study again, or a worker has ended."""
    deadline = time.monotonic() + _REFRESH_INTERVAL_S
    while time.monotonic() < deadline and not workers.any_ended:
        time.sleep(_LOOK_INTERVAL_S)


def _is_at_work(study: SweepStudy) -> bool:
    return any(trial.state is TrialState.RUNNING for trial in study.all_trials())


class _Idleness:
    """Since when no trial is at work nor to be taken: a worker that is stopped would not end."""

    def __init__(self, is_idle: Callable[[], bool]) -> None:
        self._is_idle = is_idle
        self._since: float | None = None

    def lasts_for(self, seconds: float) -> bool:
        now = time.monotonic()
        if not self._is_idle():
            self._since = None
        elif self._since is None:
            self._since = now
        return self._since is not None and now - self._since > seconds


def _tell_of_hung(study: SweepStudy) -> None:
    for line in study.hung_trials.news():
        log.warning(line)
