"""Worker: works a study's trials off, one after the other, in this process."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from qa_sweep.errors import QaSweepError
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.jobs import PRUNED, JobRunner, read_result
from qa_sweep.sweep.signals import StopRequest
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.study import SweepStudy
from qa_sweep.sweep.trial import StudyTrialHandle, TrialHandle, working_on

log = logging.getLogger(__name__)

_POLL_INTERVAL_S = 1.0


class Worker:
    """Holds one device slot and takes one ticket at a time until the study is complete.

    `showing` is what is shown while a trial is worked on.
    """

    def __init__(
        self,
        study: SweepStudy,
        space: Space,
        objectives: Sequence[Objective],
        runner: JobRunner,
        folder: Path,
        showing: Callable[[TrialHandle], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._study = study
        self._space = space
        self._objectives = objectives
        self._runner = runner
        self._folder = folder
        self._showing = showing

    def warm_up(self) -> None:
        """Do what jobs like these need once."""
        sample = self._space.covering_points()[0]
        self._runner.warm_up(self._space.overrides(sample))

    def work(self, request: StopRequest) -> None:
        """Return when no trial is open, not even one that another worker holds, or on request."""
        while not request.is_draining:
            trial = self._study.claim()
            if trial is not None:
                self._work_on(trial)
            elif self._study.refill():
                continue
            elif self._study.has_running:
                self._study.reap()
                time.sleep(_POLL_INTERVAL_S)
            else:
                return

    def _work_on(self, trial: optuna.Trial) -> None:
        """Run the trial's job and tell the study; an interruption makes it a ticket again."""
        handle = StudyTrialHandle(trial)
        with self._study.lease(handle) as lease, self._showing(handle):
            try:
                tell = self._run(trial, handle)
            except BaseException:
                if lease.is_held:
                    self._study.hand_back(trial)
                raise
            if lease.is_held:
                tell()
            else:  # we stalled, were taken for dead, and the trial is another's now
                log.warning("trial %s was taken over; its result here is dropped", trial.number)

    def _run(self, trial: optuna.Trial, handle: StudyTrialHandle) -> Callable[[], None]:
        """Run the trial's job; return how to tell the study what came of it."""
        overrides = self._space.overrides(trial.params)
        try:
            with working_on(handle):
                result = self._runner.run(trial.number, overrides, self._folder / str(trial.number))
            if result is PRUNED:
                return partial(self._study.prune, trial, {})
            values, metrics = read_result(result, self._objectives)
            return partial(self._study.complete, trial, values, metrics)
        except QaSweepError as error:
            return partial(self._study.fail, trial, str(error))
        except Exception as error:  # whatever a job dies of, the sweep goes on
            return partial(self._study.fail, trial, f"{type(error).__name__}: {error}")
