"""The names that Optuna keeps private and tickets need, all in this one place."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.pruners import _filter_study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


def storage_of(study: optuna.Study) -> BaseStorage:
    return study._storage


def trial_id(trial: optuna.Trial | optuna.trial.FrozenTrial) -> int:
    return trial._trial_id


def name_objectives(study: optuna.Study, names: Sequence[str]) -> None:
    """Have other tools show the objectives by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(names))


def pop_ticket(study: optuna.Study, trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Make a WAITING one of the `trials` a RUNNING one, by compare-and-set; None if there is none.

    As `Study.ask` does, but without reading all trials once more.
    """
    study._thread_local.cached_all_trials = None
    for trial in trials:
        if trial.state is TrialState.WAITING:
            with suppress(UpdateFinishedTrialError):
                if study._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                    return trial
    return None


def suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    """Draw a value and store it, or give that which is stored already."""
    return trial._suggest(name, distribution)


def propose(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    """What `suggest` would draw, without storing it."""
    if name in trial.params:
        return trial.params[name]
    if name in trial._fixed_params:
        return trial._fixed_params[name]
    if trial._is_relative_param(name, distribution):
        return trial.relative_params[name]
    frozen = trial._cached_frozen_trial
    study = _filter_study(trial.study, frozen)
    return trial.study.sampler.sample_independent(study, frozen, name, distribution)


def fixed_params(trial: optuna.Trial) -> Mapping[str, Any]:
    """The params that the trial's ticket was given."""
    return trial._fixed_params


def fix_params(trial: optuna.Trial, values: Mapping[str, Any]) -> None:
    """Have `suggest` give these values."""
    trial._fixed_params = dict(values)
