"""One objective of several: what a pruner is shown, since Optuna's refuse more than one."""

from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState


def with_one_objective(
    study: optuna.Study, storage: BaseStorage, index: int, pruner: BasePruner
) -> optuna.Study:
    """The study as if its objective `index` were the only one (optuna#3450)."""
    shown: Any = _OneObjective(storage, index)
    return optuna.Study(study.study_name, shown, sampler=study.sampler, pruner=pruner)


class _OneObjective:
    """A storage that tells of one objective; what has nothing to do with them passes through."""

    def __init__(self, storage: BaseStorage, index: int) -> None:
        self._storage = storage
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [self._storage.get_study_directions(study_id)[self._index]]

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        """Raises ValueError where no trial is complete, as Optuna's do."""
        trials = self._storage.get_all_trials(
            study_id, deepcopy=False, states=(TrialState.COMPLETE,)
        )
        (direction,) = self.get_study_directions(study_id)
        sign = -1 if direction is StudyDirection.MAXIMIZE else 1
        return min(trials, key=lambda trial: sign * trial.values[self._index])
