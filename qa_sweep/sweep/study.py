"""A study: its trials, and the tickets by which workers share them out.

A trial to be run is a WAITING trial of the storage, a *ticket*; claiming it is the storage's
compare-and-set. This is the only module that uses Optuna's private names.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.pruners import BasePruner, NopPruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.lease import TIMEOUT_S, Lease, LeaseObserver, read_progress
from qa_sweep.sweep.samplers import make_sampler
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.trial import Progress, RunningTrial, TrialHandle

# Names of the attributes that the sweep itself keeps on its trials.
RETRIES = "retries"
RETRY_OF = "retry_of"
ERROR = "error"

_IDENTITY = "identity"
_N_TICKETS = 16  # open tickets at a time: claiming costs a little for each of them
_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)


class SweepStudy:
    """An Optuna study seen as tickets to be worked off.

    `n_trials` is how many trials shall be finished in all, over all sweeps; None means each point
    of a finite space once.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        folder: Path,
        *,
        n_trials: int | None,
        sampler: str,
        seed: int,
        pruner: BasePruner | None = None,
        max_retries: int = 2,
        lease_timeout_s: float = TIMEOUT_S,
    ) -> None:
        study.pruner = pruner or NopPruner()  # Optuna's default would prune by the median
        self._study = study
        self._storage = study._storage
        self._space = space
        self._n_trials = n_trials
        self._sampler = sampler
        self._seed = seed
        self._max_retries = max_retries
        self._observer = LeaseObserver(lease_timeout_s)
        self._leases = folder / ".leases"
        self._lock = FileLock(folder / ".lock")

    @property
    def name(self) -> str:
        return self._study.study_name

    def trials(self) -> list[FrozenTrial]:
        """All trials but those that were tried again as another trial."""
        return without_retried(self._study.get_trials(deepcopy=False))

    @property
    def is_complete(self) -> bool:
        """Whether every trial that shall be finished is, none of them by failing."""
        trials = self.trials()
        done = [
            trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        ]
        return len(done) == len(trials) and self._n_missing(trials) == 0

    @property
    def n_wanted(self) -> int:
        """How many trials there will be when the study is complete."""
        trials = self.trials()
        return len(trials) + self._n_missing(trials)

    @property
    def has_running(self) -> bool:
        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def claim(self) -> optuna.Trial | None:
        """Take a ticket and sample its params; None where no ticket is open."""
        self._study._thread_local.cached_all_trials = None  # as `Study.ask` does
        trial_id = self._study._pop_waiting_trial_id()
        if trial_id is None:
            return None
        number = self._storage.get_trial(trial_id).number
        trial_seed = _seed_of_trial(self._seed, number)
        self._study.sampler = make_sampler(self._sampler, trial_seed, self._seed)
        trial = optuna.Trial(self._study, trial_id)
        for name, distribution in self._space.distributions.items():
            trial._suggest(name, distribution)
        return trial

    def lease(self, handle: TrialHandle) -> Lease:
        """The lease to hold while the trial behind `handle` is worked on."""
        assert handle.number is not None
        return Lease(self._lease_path(handle.number), lambda: asdict(handle.latest))

    def running(self) -> list[RunningTrial]:
        """The trials at work, in whatever process, as their workers last described them."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [
            RunningTrial(trial.number, trial.params, self._progress(trial.number))
            for trial in running
        ]

    def refill(self) -> int:
        """Add tickets for what has not been tried yet, a batch at a time; return how many."""
        with self._lock:
            params = list(_first(self._missing(self.trials()), _N_TICKETS))
            for values in params:
                self._study.enqueue_trial(values)
        return len(params)

    def retry_failed(self) -> int:
        """Give the params of each failed trial a new trial, which names the failed one."""
        with self._lock:
            failed = [trial for trial in self.trials() if trial.state is TrialState.FAIL]
            for trial in failed:
                self._study.enqueue_trial(trial.params, user_attrs={RETRY_OF: trial.number})
        return len(failed)

    def reap(self) -> list[int]:
        """Hand back the trials whose worker is gone; return their numbers."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        dead = [trial for trial in running if self._is_dead(trial.number)]
        if not dead:
            return []
        with self._lock:  # two reapers must not hand one trial back twice
            return [trial.number for trial in dead if self._reap_one(trial)]

    def complete(
        self, trial: optuna.Trial, values: Sequence[float], attributes: Mapping[str, Any]
    ) -> None:
        self._set_attributes(trial, attributes)
        self._study.tell(trial, list(values))

    def prune(self, trial: optuna.Trial, attributes: Mapping[str, Any]) -> None:
        self._set_attributes(trial, attributes)
        self._study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: optuna.Trial, error: str) -> None:
        self._set_attributes(trial, {ERROR: error})
        self._study.tell(trial, state=TrialState.FAIL)

    def hand_back(self, trial: optuna.Trial) -> None:
        """Make the claimed trial a ticket again; it keeps its number and its params."""
        self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)

    def _missing(self, trials: Sequence[FrozenTrial]) -> Iterator[dict[str, Any]]:
        """Params of the tickets still to be added; empty where the sampler shall choose."""
        if self._n_trials is not None:
            return iter([{}] * max(0, self._n_trials - len(trials)))
        present = {self._point(trial) for trial in trials}
        return (values for values in self._space.grid() if self._key(values) not in present)

    def _n_missing(self, trials: Sequence[FrozenTrial]) -> int:
        return sum(1 for _ in self._missing(trials))

    def _point(self, trial: FrozenTrial) -> tuple[float, ...] | None:
        values = trial.params or trial.system_attrs.get("fixed_params", {})
        return self._key(values) if self._space.distributions.keys() <= values.keys() else None

    def _key(self, values: Mapping[str, Any]) -> tuple[float, ...]:
        return tuple(
            distribution.to_internal_repr(values[name])
            for name, distribution in self._space.distributions.items()
        )

    def _progress(self, number: int) -> Progress:
        return Progress.of(read_progress(self._lease_path(number)))

    def _lease_path(self, number: int) -> Path:
        return self._leases / f"{number}.json"

    def _is_dead(self, number: int) -> bool:
        return self._observer.is_dead(self._lease_path(number))

    def _reap_one(self, trial: FrozenTrial) -> bool:
        current = self._storage.get_trial(trial._trial_id)
        if current.state is not TrialState.RUNNING or not self._is_dead(trial.number):
            return False
        retries = current.user_attrs.get(RETRIES, 0) + 1
        if retries > self._max_retries:
            error = f"its worker died {retries} times"
            self._storage.set_trial_user_attr(trial._trial_id, ERROR, error)
            self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        else:
            self._storage.set_trial_user_attr(trial._trial_id, RETRIES, retries)
            self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        self._lease_path(trial.number).unlink(missing_ok=True)
        return True

    @staticmethod
    def _set_attributes(trial: optuna.Trial, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            trial.set_user_attr(name, value)


def open_study(storage: BaseStorage, name: str, identity: Identity, folder: Path) -> optuna.Study:
    """Create the study, or load it if it is the same one.

    Raises StudyError with the differences where a study of this name has another space, objective
    or fixed setting.
    """
    with FileLock(folder / ".lock"):
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=[StudyDirection[o.direction.upper()] for o in identity.objectives],
            load_if_exists=True,
        )
        known = study.user_attrs.get(_IDENTITY)
        if known is None:
            study.set_user_attr(_IDENTITY, identity.as_dict())
            return study
    differences = identity.differences_from(known)
    if differences:
        raise StudyError(
            f"study {name} was made with other settings ({'; '.join(differences)}); "
            "go back to them, or choose another name: hydra.sweeper.study_name=…"
        )
    return study


def known_identity(study: optuna.Study) -> Identity:
    """What the study was made with. Raises StudyError for a study that no sweep made."""
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        raise StudyError(f"study {study.study_name} was not made by a sweep")
    return Identity.from_dict(known)


def without_retried(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials but those that were tried again as another trial."""
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    return [trial for trial in trials if trial.number not in retried]


def _seed_of_trial(seed: int, number: int) -> int:
    """Seeding by trial number draws the same params however the sweep was cut into processes."""
    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _first(items: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    return (item for _, item in zip(range(count), items, strict=False))
