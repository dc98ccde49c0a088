"""Samplers by name."""

import logging
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.cma_es import CmaEsSampler
from qa_sweep.sweep.space import Space

log = logging.getLogger(__name__)

AUTO = "auto"
GRID = "grid"

# Each takes the seed of the trial, the seed of the study, and whether the space has conditions. A
# quasi-random sequence is one for the whole study; the others learn from the trials that are there,
# and draw anew for each. Params that they draw alone are named once, by `choose_sampler`; Optuna's
# own warning would come with each trial.
_SAMPLERS: dict[str, Callable[[int, int, bool], BaseSampler]] = {
    "random": lambda trial_seed, _, __: optuna.samplers.RandomSampler(seed=trial_seed),
    "tpe": lambda trial_seed, _, grouped: optuna.samplers.TPESampler(
        seed=trial_seed, multivariate=True, group=grouped
    ),
    "gp": lambda trial_seed, _, __: optuna.samplers.GPSampler(
        seed=trial_seed, warn_independent_sampling=False
    ),
    "cmaes": lambda trial_seed, _, __: CmaEsSampler(
        seed=trial_seed, warn_independent_sampling=False
    ),
    "nsga2": lambda trial_seed, _, __: optuna.samplers.NSGAIISampler(seed=trial_seed),
    "qmc": lambda _, study_seed, __: optuna.samplers.QMCSampler(
        seed=study_seed, scramble=True, warn_independent_sampling=False
    ),
}
_NEEDS_FIXED_PARAMS = ("gp", "cmaes", "nsga2", "qmc")  # they learn only from what all trials have
_NEEDS = {"gp": "scipy", "cmaes": "cmaes", "qmc": "scipy"}
NAMES = (AUTO, GRID, *_SAMPLERS)


def make_sampler(name: str, trial_seed: int, study_seed: int, grouped: bool = False) -> BaseSampler:
    """The sampler called `name`; a grid's params are fixed in its tickets and never sampled.

    `grouped` says that not all trials have the same params, since some have a condition.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _SAMPLERS["random" if name == GRID else name](trial_seed, study_seed, grouped)


def choose_sampler(name: str, space: Space, n_trials: int | None) -> str:
    """Check `name` against the space; `auto` is the grid of a finite space, else TPE.

    Raises ConfigError for an unknown sampler or one whose package is missing, a grid over a
    continuous space, or a search without a number of trials.
    """
    if name not in NAMES:
        raise ConfigError(
            f"hydra.sweeper.sampler must be one of {', '.join(NAMES)}, but got {name!r}"
        )
    needed = _NEEDS.get(name)
    if needed is not None and find_spec(needed) is None:
        raise ConfigError(
            f"hydra.sweeper.sampler={name} needs the package {needed}; "
            "pip install 'qa_sweep[samplers]'"
        )
    if name == AUTO:
        name = GRID if space.is_finite and n_trials is None else "tpe"
    _check_budget(name, space, n_trials)
    _warn_of_params_drawn_alone(name, space)
    return name


def _check_budget(name: str, space: Space, n_trials: int | None) -> None:
    if name == GRID and not space.is_finite:
        raise ConfigError(
            "a grid needs finite params, but got an interval; pass a choice or range instead, "
            "or search: hydra.sweeper.sampler=tpe hydra.sweeper.n_trials=…"
        )
    if name == GRID and n_trials is not None:
        raise ConfigError(
            f"a grid runs each of its points once, but got hydra.sweeper.n_trials={n_trials}; "
            "leave it out, or search: hydra.sweeper.sampler=tpe"
        )
    if name != GRID and n_trials is None:
        raise ConfigError(
            f"a search ({name}) needs its number of trials; pass hydra.sweeper.n_trials=…"
        )


def _warn_of_params_drawn_alone(name: str, space: Space) -> None:
    """Say which params the sampler cannot learn about, and draws at random."""
    alone = [
        param.name
        for param in space.params
        if (name in _NEEDS_FIXED_PARAMS and param.condition is not None)
        or (name == "cmaes" and isinstance(param.distribution, CategoricalDistribution))
    ]
    if alone:
        log.warning(
            "hydra.sweeper.sampler=%s draws %s at random; tpe learns from such params too",
            name,
            ", ".join(alone),
        )
