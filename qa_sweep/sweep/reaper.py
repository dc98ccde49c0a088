"""Reaper: takes back the trials whose worker is gone, or as good as gone."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep import internals
from qa_sweep.sweep.lease import LeaseObserver, LeaseStore, end_worker
from qa_sweep.sweep.tickets import ERROR, RETRIES

log = logging.getLogger(__name__)


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
        self._end_silent_worker(trial.number)
        self._leases.remove(trial.number)
        if retries > self._max_retries:
            error = f"its worker died {retries} times"
            self._storage.set_trial_user_attr(trial_id, ERROR, error)
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        else:
            self._storage.set_trial_user_attr(trial_id, RETRIES, retries)
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        return True

    def _end_silent_worker(self, number: int) -> None:
        """One that is stopped, or stuck: it holds the files of its run, and may go on any time."""
        lease = self._leases.read(number)
        if end_worker(lease):
            log.warning(
                "worker %s (process %s) showed no sign of life for %g s, as if it was stopped: "
                "it was ended, and trial %d is tried again",
                lease["worker"],
                lease["pid"],
                self._observer.timeout_s,
                number,
            )
