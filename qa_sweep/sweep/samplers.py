"""Samplers by name."""

import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import Space

GRID = "grid"
AUTO = "auto"
_NAMES = (AUTO, GRID, "random", "tpe")


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The sampler called `name`; a grid's params are fixed in its tickets and never sampled."""
    if name == "tpe":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=seed, multivariate=True)
    return RandomSampler(seed=seed)


def choose_sampler(name: str, space: Space, n_trials: int | None) -> str:
    """Check `name` against the space; `auto` is the grid of a finite space, else TPE.

    Raises ConfigError for an unknown sampler, a grid over a continuous space, or a search without
    a number of trials.
    """
    if name not in _NAMES:
        raise ConfigError(
            f"hydra.sweeper.sampler must be one of {', '.join(_NAMES)}, but got {name!r}"
        )
    if name == AUTO:
        name = GRID if space.is_finite and n_trials is None else "tpe"
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
    return name
