"""A study: its trials, and the tickets by which workers share them out.

A trial to be run is a WAITING trial of the storage, a *ticket*; claiming it is the storage's
compare-and-set.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.redaction import redact
from qa_sweep.sweep import internals
from qa_sweep.sweep.hung_trials import HungTrials
from qa_sweep.sweep.lease import TIMEOUT_S, Lease, describe_worker
from qa_sweep.sweep.limits import Halt, Limits
from qa_sweep.sweep.pruning import PrunerObjective, Pruning
from qa_sweep.sweep.reaper import Reaper
from qa_sweep.sweep.repeats import Repeats, repeat_settings
from qa_sweep.sweep.sampling import Sampling
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.stop_flag import StopFlag
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.tickets import (
    ERROR,
    INFEASIBLE,
    RETRIES,
    UNFINISHED,
    Tickets,
    attributes_of_retry,
    without_retried,
)
from qa_sweep.sweep.trial import Progress, RunningTrial, StudyTrialHandle, TrialHandle

_N_TICKETS = 16  # open tickets at a time: reading the trials costs a little for each of them


@dataclass(frozen=True)
class StudyPlan:
    """How a study is worked off: none of it is part of the study's identity."""

    sampler: str = "grid"
    seed: int = 0
    n_trials: int | None = None  # to be finished in all; None: each point of a finite space once
    enqueued: tuple[Mapping[str, Any], ...] = ()
    repeats: Repeats = field(default_factory=Repeats)
    pruner: BasePruner = field(default_factory=NopPruner)  # Optuna's default would prune
    pruner_objective: PrunerObjective = field(default_factory=PrunerObjective)
    n_objectives: int = 1
    max_retries: int = 2
    limits: Limits = field(default_factory=Limits)
    lease_timeout_s: float = TIMEOUT_S
    hang_limit_s: float | None = None  # without a sign of life of a job; None: any time


class SweepStudy:
    """An Optuna study seen as tickets to be worked off."""

    def __init__(
        self, study: optuna.Study, space: Space, storage: StudyStorage, plan: StudyPlan
    ) -> None:
        study.pruner = plan.pruner  # some samplers ask for it
        self._study = study
        self._storage = storage.backend
        self._max_retries = plan.max_retries
        self._limits = plan.limits
        self._repeats = plan.repeats
        self._tickets = Tickets(space, plan.n_trials, plan.enqueued, plan.repeats.count)
        self._sampling = Sampling(study, space, plan.sampler, plan.seed)
        self._pruning = Pruning(study, plan.pruner, plan.pruner_objective)
        leases = storage.leases(study.study_name)
        self._leases = self.hung_trials = HungTrials(leases, plan.hang_limit_s, plan.max_retries)
        self._lock = storage.lock(study.study_name)
        self._reaper = Reaper(
            self._storage, self._leases, self._lock, plan.max_retries, plan.lease_timeout_s
        )

    @property
    def name(self) -> str:
        return self._study.study_name

    def all_trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def trials(self) -> list[FrozenTrial]:
        """All trials but those that were tried again as another trial."""
        return without_retried(self.all_trials())

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be done, not even to try failed trials again."""
        halt = self.halt
        if halt is not None and not halt.is_failure:
            return True
        failed = any(self._is_to_be_retried(trial) for trial in self.trials())
        return not failed and not self.has_open

    @property
    def has_open(self) -> bool:
        """Whether any trial is still to be claimed or to be finished."""
        trials = self.trials()
        return self._tickets.n_missing(trials) > 0 or any(t.state in UNFINISHED for t in trials)

    @property
    def halt(self) -> Halt | None:
        """Why no more trials shall be taken although some are left; None where they shall."""
        return self._limits.halt(self.trials(), self._study.directions)

    def n_wanted(self, trials: Sequence[FrozenTrial]) -> int:
        """How many trials there will be when all are finished, beginning with `trials`."""
        return len(trials) + self._tickets.n_missing(trials)

    def claim(self) -> optuna.Trial | None:
        """Take a ticket and draw its params; None where none is open, or shall be taken."""
        trials = self._study.get_trials(deepcopy=False)
        if self._limits.halt(without_retried(trials), self._study.directions) is not None:
            return None
        ticket = internals.pop_ticket(self._study, trials)
        if ticket is None:
            return None
        trial_id, number = internals.trial_id(ticket), ticket.number
        signs_of_life = (
            Lease(self._leases, number) if self._sampling.may_take_long else nullcontext()
        )
        try:
            with signs_of_life, self._lock if self._sampling.avoids_known_points else nullcontext():
                return self._sampling.draw(trial_id, number)
        except BaseException:  # as where the user stops us
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
            raise

    def handle(
        self,
        trial: optuna.Trial,
        heed: Callable[[], None],
        holding: Callable[[], AbstractContextManager[None]] = nullcontext,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> StudyTrialHandle:
        """What the claimed trial's job is given; see there for the rest."""
        return StudyTrialHandle(trial, self._pruning, heed, holding, is_stopping)

    def lease(self, handle: TrialHandle, worker: str, stack: Path | None = None) -> Lease:
        """The lease to hold while `worker` works on the trial behind `handle`."""
        assert handle.number is not None
        return Lease(self._leases, handle.number, worker, lambda: asdict(handle.latest), stack)

    def stop_flag(self, sweep: str) -> StopFlag:
        """By which the workers of `sweep` are told to stop where no signal reaches them."""
        return StopFlag(self._study, sweep)

    def running(self, trials: Sequence[FrozenTrial]) -> list[RunningTrial]:
        """Those of the `trials` at work, in whatever process, as their workers described them."""
        return [self._describe(trial) for trial in trials if trial.state is TrialState.RUNNING]

    def refill(self) -> int:
        """Add tickets for what has not been tried yet, a batch at a time; return how many."""
        with self._lock:
            tickets = list(islice(self._tickets.missing(self.trials()), _N_TICKETS))
            for ticket in tickets:
                attributes = self._repeats.attributes(ticket.index)
                self._study.enqueue_trial(dict(ticket.params), user_attrs=attributes)
        return len(tickets)

    def retry_failed(self) -> int:
        """Give the params of each failed trial a new trial, which names the failed one."""
        with self._lock:
            failed = [trial for trial in self.trials() if self._is_to_be_retried(trial)]
            for trial in failed:
                self._study.enqueue_trial(trial.params, user_attrs=attributes_of_retry(trial))
        return len(failed)

    def reap(self) -> list[int]:
        """Hand back the trials whose worker is gone; return their numbers."""
        return self._reaper.reap(self._running())

    def remove_old_leases(self) -> None:
        """Remove those of finished trials, whose workers were killed before they could do it."""
        numbers = self._leases.numbers()
        for trial in self.all_trials() if numbers else ():
            if trial.number in numbers and trial.state.is_finished():
                self._leases.remove(trial.number)

    def complete(
        self, trial: optuna.Trial, values: Sequence[float], attributes: Mapping[str, Any]
    ) -> None:
        self._finish(trial, attributes, lambda: self._study.tell(trial, list(values)))

    def prune(self, trial: optuna.Trial) -> None:
        self._finish(trial, {}, lambda: self._study.tell(trial, state=TrialState.PRUNED))

    def fail(self, trial: optuna.Trial, error: str, *, infeasible: bool = False) -> None:
        """End the trial without a value; one that is infeasible is not tried again."""
        attributes = {ERROR: redact(error), **({INFEASIBLE: True} if infeasible else {})}
        self._finish(trial, attributes, lambda: self._study.tell(trial, state=TrialState.FAIL))

    def hand_back(self, trial: optuna.Trial) -> None:
        """Make the claimed trial a ticket again; it keeps its number and its params."""
        with suppress(UpdateFinishedTrialError):  # the interruption came while we told of it
            self._storage.set_trial_state_values(internals.trial_id(trial), TrialState.WAITING)

    def retry(self, trial: optuna.Trial) -> None:
        """Make the claimed trial a ticket again after it hung, or fail it if it did too often."""
        retries = trial.user_attrs.get(RETRIES, 0) + 1
        if retries > self._max_retries:
            self.fail(trial, f"it hung {retries} times")
        else:
            trial.set_user_attr(RETRIES, retries)
            self.hand_back(trial)

    def _finish(
        self, trial: optuna.Trial, attributes: Mapping[str, Any], tell: Callable[[], object]
    ) -> None:
        """Raises TakenOver where the trial is no longer at work here."""
        if self._storage.get_trial(internals.trial_id(trial)).state is not TrialState.RUNNING:
            raise TakenOver
        try:
            for name, value in attributes.items():
                trial.set_user_attr(name, value)
            tell()
        except UpdateFinishedTrialError as error:
            raise TakenOver from error

    def _running(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def _describe(self, trial: FrozenTrial) -> RunningTrial:
        lease = self._leases.read(trial.number)
        reports = trial.intermediate_values
        return RunningTrial(
            trial.number,
            {**trial.params, **repeat_settings(trial)},
            Progress.of(lease.get("progress", {})),
            worker=describe_worker(lease),
            last_value=reports[max(reports)] if reports else None,
        )

    @staticmethod
    def _is_to_be_retried(trial: FrozenTrial) -> bool:
        return trial.state is TrialState.FAIL and INFEASIBLE not in trial.user_attrs


class TakenOver(BaseException):
    """The trial is another worker's now: this one seemed dead for a while.

    No `Exception`, so that no job's handling of errors swallows it.
    """
