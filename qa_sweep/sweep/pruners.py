"""Pruners by name: what ends a trial early whose intermediate values lag behind."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.pruning import PrunerObjective

NONE = "none"

# By their short names, with Optuna's settings; a step is whatever the job reports at.
_PRUNERS: dict[str, Callable[..., BasePruner]] = {
    NONE: optuna.pruners.NopPruner,
    "asha": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "median": optuna.pruners.MedianPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
    "patient": lambda patience=2, **settings: optuna.pruners.PatientPruner(
        None, patience, **settings
    ),
}
NAMES = tuple(_PRUNERS)


def make_pruner(name: str, settings: Mapping[str, Any]) -> BasePruner:
    """The pruner called `name`. Raises ConfigError for an unknown pruner or setting."""
    if name not in _PRUNERS:
        raise ConfigError(
            f"hydra.sweeper.pruner must be one of {', '.join(NAMES)}, but got {name!r}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return _PRUNERS[name](**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"hydra.sweeper.pruner_settings of {name}: {error}") from error


def choose_objective(name: str | None, objectives: Sequence[Objective]) -> PrunerObjective:
    """The objective to prune by; the first where none is named. Raises ConfigError."""
    names = [objective.name for objective in objectives]
    if name is None:
        return PrunerObjective(names[0], 0)
    if name not in names:
        raise ConfigError(
            f"hydra.sweeper.pruner_objective must be one of {', '.join(names)}, but got {name!r}"
        )
    return PrunerObjective(name, names.index(name))
