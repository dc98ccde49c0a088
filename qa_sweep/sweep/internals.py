"""The names that Optuna keeps private and tickets need, all in this one place."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import _filter_study
from optuna.storages import BaseStorage


def storage_of(study: optuna.Study) -> BaseStorage:
    return study._storage


def study_id(study: optuna.Study) -> int:
    return study._study_id


def trial_id(trial: optuna.Trial | optuna.trial.FrozenTrial) -> int:
    return trial._trial_id


def name_objectives(study: optuna.Study, names: Sequence[str]) -> None:
    """Have other tools show the objectives by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(names))


def pop_ticket(study: optuna.Study) -> int | None:
    """Make a WAITING trial a RUNNING one, by compare-and-set; its id, or None if there is none."""
    study._thread_local.cached_all_trials = None  # as `Study.ask` does
    return study._pop_waiting_trial_id()


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
