"""Reaper: takes back the trials whose worker is gone."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep import internals
from qa_sweep.sweep.lease import LeaseObserver, LeaseStore
from qa_sweep.sweep.tickets import ERROR, RETRIES


class Reaper:
    """Makes the trial of a dead worker a ticket again, and fails one whose workers keep dying."""

    def __init__(
        self,
        storage: BaseStorage,
        leases: LeaseStore,
        lock: AbstractContextManager[object],
        max_retries: int,
        lease_timeout_s: float,
    ) -> None:
        self._storage = storage
        self._leases = leases
        self._lock = lock
        self._max_retries = max_retries
        self._observer = LeaseObserver(leases, lease_timeout_s)

    def reap(self, running: Sequence[FrozenTrial]) -> list[int]:
        """Take the dead among the `running` trials back; return their numbers."""
        dead = [trial for trial in running if self._observer.is_dead(trial.number)]
        if not dead:
            return []
        with self._lock:  # two reapers must not take one trial twice
            return [trial.number for trial in dead if self._take_back(trial)]

    def _take_back(self, trial: FrozenTrial) -> bool:
        trial_id = internals.trial_id(trial)
        current = self._storage.get_trial(trial_id)
        if current.state is not TrialState.RUNNING or not self._observer.is_dead(trial.number):
            return False
        retries = current.user_attrs.get(RETRIES, 0) + 1
        self._leases.remove(trial.number)
        if retries > self._max_retries:
            error = f"its worker died {retries} times"
            self._storage.set_trial_user_attr(trial_id, ERROR, error)
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        else:
            self._storage.set_trial_user_attr(trial_id, RETRIES, retries)
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        return True
