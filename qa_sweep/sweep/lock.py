"""Lock: one process at a time adds tickets to a study, or takes trials from the dead.

Where all who share a storage are on one machine, the lock is a file, which the system frees when
its holder dies. Elsewhere locks of files cannot be relied on, and servers offer none through
Optuna: there the lock is a trial of a study of its own, claimed as any ticket, and held by a lease.
"""

import time
from contextlib import suppress
from types import TracebackType

from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from qa_sweep.sweep import internals
from qa_sweep.sweep.lease import Lease, LeaseObserver, LeaseStore

SUFFIX = ".lock"  # of the name of a lock's study

_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)
_LOOK_INTERVAL_S = 0.05
_TIMEOUT_S = 20.0  # until a lock whose holder no longer shows signs of life is broken


class StorageLock:
    """A context manager that holds the lock while its body runs.

    The first unfinished trial of the study `study_id` is the lock: WAITING when free, RUNNING when
    held. One whose holder died is made to FAIL, which cannot be undone, so that nobody takes it for
    the lock that follows it.
    """

    def __init__(self, storage: BaseStorage, study_id: int, leases: LeaseStore) -> None:
        self._storage = storage
        self._study_id = study_id
        self._leases = leases
        self._trial_id = -1
        self._lease: Lease | None = None

    def __enter__(self) -> "StorageLock":
        observer = LeaseObserver(self._leases, _TIMEOUT_S)
        while (number := self._take()) is not None:
            if observer.is_dead(number):
                self._set(TrialState.FAIL)
                self._leases.remove(number)
            else:
                time.sleep(_LOOK_INTERVAL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._lease is not None
        self._lease.__exit__(kind, error, traceback)
        if not self._lease.is_lost:
            self._set(TrialState.WAITING)

    def _take(self) -> int | None:
        """Take the lock and return None, or return the number of the trial that another holds."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False, states=_UNFINISHED)
        if not trials:
            self._storage.create_new_trial(self._study_id, create_trial(state=TrialState.WAITING))
            return self._take()  # if another made one too, the first is the lock
        self._trial_id = internals.trial_id(trials[0])
        if trials[0].state is not TrialState.WAITING or not self._set(TrialState.RUNNING):
            return trials[0].number
        self._lease = Lease(self._leases, trials[0].number)
        self._lease.__enter__()
        return None

    def _set(self, state: TrialState) -> bool:
        """Whether the trial has this state now, and not because of somebody else."""
        with suppress(UpdateFinishedTrialError):  # somebody broke the lock
            return self._storage.set_trial_state_values(self._trial_id, state)
        return False


def study_of_lock(storage: BaseStorage, name: str) -> int:
    """The id of the study `name` that serves as a lock; it is made where there is none."""
    with suppress(KeyError):
        return storage.get_study_id_from_name(name)
    with suppress(DuplicatedStudyError):
        return storage.create_new_study([StudyDirection.MINIMIZE], name)
    return storage.get_study_id_from_name(name)
