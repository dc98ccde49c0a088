"""Importance: which params matter for the objective, by Optuna's default evaluator."""

import warnings
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial

_FEWEST_TRIALS = 4
_FEWEST_PARAMS = 2


def importances(study: optuna.Study) -> dict[str, float]:
    """Param → its share, the highest first; empty where too few trials or params tell of it.

    The study has one objective.
    """
    trials = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    params = varied_params(trials)
    if len(trials) < _FEWEST_TRIALS or len(params) < _FEWEST_PARAMS:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few trials, as grids have
        return optuna.importance.get_param_importances(study, params=params)


def varied_params(trials: Sequence[FrozenTrial]) -> list[str]:
    """The params that have more than one value."""
    names = dict.fromkeys(name for trial in trials for name in trial.params)
    return [
        name
        for name in names
        if len({trial.params[name] for trial in trials if name in trial.params}) > 1
    ]
