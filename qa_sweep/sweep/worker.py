"""Worker: works a study's trials off, one after the other, in this process."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from qa_sweep.disk import DiskFull
from qa_sweep.errors import Diverged, QaSweepError
from qa_sweep.sweep.hang_watch import Alarm, HangWatch, JobAlarm, ProcessAlarm, stack_file
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.jobs import PRUNED, JobRunner, read_result
from qa_sweep.sweep.lease import Lease
from qa_sweep.sweep.repeats import repeat_overrides
from qa_sweep.sweep.signals import Hung, StopRequest
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.study import SweepStudy, TakenOver
from qa_sweep.sweep.tickets import RETRIES
from qa_sweep.sweep.trial import Infeasible, TrialHandle, working_on

log = logging.getLogger(__name__)

_POLL_INTERVAL_S = 0.5


class Worker:
    """Holds one device slot and takes one ticket at a time until the study is complete.

    `name` is what it goes by where trials at work are shown; the sweep's own process has none.
    `showing` is what is shown while a trial is worked on.
    """

    def __init__(
        self,
        study: SweepStudy,
        space: Space,
        objectives: Sequence[Objective],
        runner: JobRunner,
        folder: Path,
        name: str = "",
        showing: Callable[[TrialHandle], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._study = study
        self._space = space
        self._objectives = objectives
        self._runner = runner
        self._folder = folder
        self._name = name
        self._showing = showing

    def warm_up(self, request: StopRequest) -> None:
        """Do what jobs like these need once."""
        sample = self._space.covering_points()[0]
        with request.interrupting():
            self._runner.warm_up(self._space.overrides(sample))

    def work(self, request: StopRequest, n_trials: int | None = None) -> None:
        """Return when no trial is open, not even one that another worker holds, or on request.

        `n_trials` is how many to work on at most.
        """
        n_left = n_trials
        while not request.is_draining and n_left != 0:
            request.heed()
            trial = self._study.claim()
            if trial is not None:
                self._work_on(trial, request)
                n_left = None if n_left is None else n_left - 1
            elif self._study.halt is not None:
                return
            elif self._study.refill():
                continue
            elif self._study.has_open:  # at work elsewhere, or a ticket again since we looked
                self._study.reap()
                time.sleep(_POLL_INTERVAL_S)
            else:
                return

    def _work_on(self, trial: optuna.Trial, request: StopRequest) -> None:
        """Run the trial's job and tell the study; an interruption makes it a ticket again."""
        stack = stack_file(self._job_folder(trial), trial.user_attrs.get(RETRIES, 0))
        watch = HangWatch(self._study.hung_trials.limit_s, self._alarm(trial, stack, request))
        handle = self._study.handle(
            trial,
            lambda: self._heed(lease, watch, request),
            request.holding,
            lambda: request.is_stopping,
        )
        lease = self._study.lease(handle, self._name, stack)
        try:
            with lease, self._showing(handle):
                tell = self._run(trial, handle, watch, request)
                self._heed(lease, watch, request)
                if not lease.is_held:
                    raise TakenOver
                tell()
        except TakenOver:
            log.warning("trial %s was taken over; its result here is dropped", trial.number)
        except Hung:
            if not lease.is_lost:
                self._study.retry(trial)
        except BaseException:
            if not lease.is_lost:
                self._study.hand_back(trial)
            raise

    def _alarm(self, trial: optuna.Trial, stack: Path, request: StopRequest) -> Alarm:
        """What ends a job that hangs: with this process, which the sweep replaces, or alone."""
        if self._name:
            return ProcessAlarm(stack)

        def interrupt() -> None:
            log.warning(self._study.hung_trials.describe(trial.number, stack))
            request.end_job()

        return JobAlarm(stack, interrupt)

    @staticmethod
    def _heed(lease: Lease, watch: HangWatch, request: StopRequest) -> None:
        watch.sign_of_life()
        request.heed()
        if lease.is_lost:
            raise TakenOver

    def _run(
        self, trial: optuna.Trial, handle: TrialHandle, watch: HangWatch, request: StopRequest
    ) -> Callable[[], None]:
        """Run the trial's job; return how to tell the study what came of it."""
        overrides = [*self._space.overrides(trial.params), *repeat_overrides(trial)]
        try:
            with working_on(handle), request.interrupting(lambda: handle.saves_state), watch:
                result = self._runner.run(trial.number, overrides, self._job_folder(trial))
            if result is PRUNED:
                return partial(self._study.prune, trial)
            values, metrics = read_result(result, self._objectives)
            return partial(self._study.complete, trial, values, metrics)
        except DiskFull:  # no fault of the trial's; the next one would end alike
            raise
        except (Infeasible, Diverged) as error:  # the same params would end alike
            return partial(self._study.fail, trial, str(error), infeasible=True)
        except QaSweepError as error:
            return partial(self._study.fail, trial, str(error))
        except Exception as error:  # whatever a job dies of, the sweep goes on
            return partial(self._study.fail, trial, f"{type(error).__name__}: {error}")

    def _job_folder(self, trial: optuna.Trial) -> Path:
        return self._folder / str(trial.number)
