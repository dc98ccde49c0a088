"""Pruning: a trial's reports, and what the pruner makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import optuna
from optuna.pruners import BasePruner, NopPruner

from qa_sweep.errors import StudyError
from qa_sweep.sweep import internals
from qa_sweep.sweep.one_objective import with_one_objective


@dataclass(frozen=True)
class PrunerObjective:
    """The objective that reports are about, and its place among the study's."""

    name: str = "objective"
    index: int = 0


class Pruning:
    """Keeps reports in the storage itself, since a trial of several objectives takes none."""

    def __init__(self, study: optuna.Study, pruner: BasePruner, objective: PrunerObjective) -> None:
        self._storage = internals.storage_of(study)
        self._name = objective.name
        self._pruner = pruner
        self._study = (
            study
            if len(study.directions) == 1
            else with_one_objective(study, self._storage, objective.index, pruner)
        )

    def report(self, trial: optuna.Trial, value: float | Mapping[str, float], step: int) -> None:
        """Raises StudyError for metrics without the objective."""
        if isinstance(value, Mapping):
            if self._name not in value:
                raise StudyError(
                    f"the job's report must hold the objective {self._name}, "
                    f"but holds {', '.join(value) or 'nothing'}"
                )
            value = value[self._name]
        trial_id = internals.trial_id(trial)
        self._storage.set_trial_intermediate_value(trial_id, step, float(value))

    def should_prune(self, trial: optuna.Trial) -> bool:
        if isinstance(self._pruner, NopPruner):
            return False
        frozen = self._storage.get_trial(internals.trial_id(trial))
        return self._pruner.prune(self._study, frozen)
