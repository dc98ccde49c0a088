"""Leaderboard: what came of each trial of a study, best first."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.accord import AIM_RUN, outcome_of
from qa_sweep.errors import StudyError
from qa_sweep.qa.intervals import Interval, percent_intervals
from qa_sweep.report.answers import RunAnswers
from qa_sweep.report.course import Course, last_evaluated_step, read_course
from qa_sweep.sweep.lease import LeaseObserver, LeaseStore
from qa_sweep.sweep.repeats import repeat_settings
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import error_of, metrics_of, state_of
from qa_sweep.sweep.tickets import RETRY_OF, given_params

_EPOCHS = "trainer.epochs"
_EVALUATIONS_PER_EPOCH = "trainer.evaluations_per_epoch"


@dataclass(frozen=True, eq=False)
class Row:
    """A trial, and what its run has left."""

    trial: FrozenTrial
    outcome: str  # complete, pruned, failed, diverged, infeasible, running, interrupted, waiting
    folder: Path
    course: Course | None  # of a finished run
    intervals: Mapping[str, Interval]  # by metric, in percent; where answers are stored
    epochs: float | None  # done; None where the trials are not told in epochs
    device_seconds: float  # of all attempts

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def params(self) -> Mapping[str, Any]:
        """With what a repeat of a point differs in, as its seed."""
        return {**given_params(self.trial), **repeat_settings(self.trial)}

    @property
    def metrics(self) -> dict[str, float]:
        return metrics_of(self.trial)

    @property
    def n_evaluations(self) -> int:
        """How often the trial has reported an intermediate value; their steps, where it counts."""
        return max(self.trial.intermediate_values, default=0)

    @property
    def n_steps(self) -> int | None:
        """Optimizer steps done, or those at the last evaluation that was stored."""
        return self.course.n_steps if self.course else last_evaluated_step(self.folder)

    @property
    def seconds(self) -> float | None:
        """Wall time of the last attempt; of one at work, till now."""
        return _seconds(self.trial)

    @property
    def device(self) -> str | None:
        return self.course.device if self.course else None

    @property
    def error(self) -> str | None:
        """What a failed trial died of."""
        return error_of(self.trial) if self.trial.state is TrialState.FAIL else None

    @property
    def aim_run(self) -> str | None:
        """The hash of its run in Aim."""
        found = self.trial.user_attrs.get(AIM_RUN)
        return found if isinstance(found, str) else None


@dataclass(frozen=True, eq=False)
class StudyLeaderboard:
    """The rows of a study, best first, and what could not be read of them."""

    study: StudyOnDisk
    rows: tuple[Row, ...]
    unreadable: Mapping[int, str]  # number of a complete trial → what is wrong with its record

    @staticmethod
    def of(
        study: StudyOnDisk, leases: LeaseStore, answers: Sequence[RunAnswers]
    ) -> "StudyLeaderboard":
        unreadable: dict[int, str] = {}
        intervals = {run.number: percent_intervals(run.scores) for run in answers}
        observer = LeaseObserver(leases, math.inf)
        cost = _Cost(study.all_trials)
        rows = []
        for trial in study.leaderboard.trials:
            course = _course(study, trial, unreadable)
            rows.append(
                Row(
                    trial,
                    _outcome(trial, observer),
                    study.folder(trial.number),
                    course,
                    intervals.get(trial.number, {}),
                    _epochs(study, trial, course),
                    cost.of(trial),
                )
            )
        return StudyLeaderboard(study, tuple(rows), unreadable)

    @property
    def param_names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.params))

    @property
    def metric_names(self) -> list[str]:
        return self.study.leaderboard.metric_names()

    def with_outcome(self, *outcomes: str) -> list[Row]:
        """The rows of these outcomes, in the order of their trials."""
        found = (row for row in self.rows if row.outcome in outcomes)
        return sorted(found, key=lambda row: row.number)


class _Cost:
    """Device-seconds of trials: an attempt holds one device slot, and each attempt counts."""

    def __init__(self, trials: Sequence[FrozenTrial]) -> None:
        self._by_number = {trial.number: trial for trial in trials}

    def of(self, trial: FrozenTrial) -> float:
        return sum(_seconds(attempt) or 0.0 for attempt in self._attempts(trial))

    def _attempts(self, trial: FrozenTrial) -> Iterator[FrozenTrial]:
        attempt: FrozenTrial | None = trial
        while attempt is not None:
            yield attempt
            earlier = attempt.user_attrs.get(RETRY_OF, attempt.number)
            # Only backwards, so that a broken attribute leads into no circle.
            attempt = self._by_number.get(earlier) if earlier < attempt.number else None


def _seconds(trial: FrozenTrial) -> float | None:
    if trial.state is TrialState.RUNNING and trial.datetime_start is not None:
        return max(0.0, (datetime.now() - trial.datetime_start).total_seconds())
    return trial.duration.total_seconds() if trial.duration else None


def _outcome(trial: FrozenTrial, observer: LeaseObserver) -> str:
    if trial.state is TrialState.RUNNING:
        return "interrupted" if observer.is_dead(trial.number) else "running"
    if trial.state is TrialState.WAITING or state_of(trial) == "infeasible":
        return state_of(trial)
    return outcome_of(trial)[0].value


def _course(study: StudyOnDisk, trial: FrozenTrial, unreadable: dict[int, str]) -> Course | None:
    """That of a complete trial; what is wrong with its record goes into `unreadable`."""
    if trial.state is not TrialState.COMPLETE:
        return None
    try:
        return read_course(study.folder(trial.number))
    except StudyError as error:
        unreadable[trial.number] = str(error)
        return None


def _epochs(study: StudyOnDisk, trial: FrozenTrial, course: Course | None) -> float | None:
    """Of a run that is not finished, those that its evaluations tell of."""
    if course is not None and course.evaluations:
        return course.evaluations[-1].epoch
    if _setting(study, trial, _EPOCHS) is None:
        return None
    n_per_epoch = _setting(study, trial, _EVALUATIONS_PER_EPOCH) or 1
    return max(trial.intermediate_values, default=0) / int(n_per_epoch)


def _setting(study: StudyOnDisk, trial: FrozenTrial, name: str) -> Any:
    fixed = study.identity.fixed if study.identity else {}
    return given_params(trial).get(name, fixed.get(name))
