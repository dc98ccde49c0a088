"""Pruners by name: what ends a trial early whose intermediate values lag behind."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner

from qa_sweep.errors import ConfigError

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


def make_pruner(name: str, settings: Mapping[str, Any], n_objectives: int = 1) -> BasePruner:
    """The pruner called `name`.

    Raises ConfigError for an unknown pruner or setting, or a pruner for several objectives.
    """
    if name not in _PRUNERS:
        raise ConfigError(
            f"hydra.sweeper.pruner must be one of {', '.join(NAMES)}, but got {name!r}"
        )
    if name != NONE and n_objectives > 1:
        raise ConfigError(
            f"hydra.sweeper.pruner={name} needs one objective, but got {n_objectives}; "
            "pass hydra.sweeper.pruner=none"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return _PRUNERS[name](**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"hydra.sweeper.pruner_settings of {name}: {error}") from error
