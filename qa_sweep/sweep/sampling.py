"""Sampling: a claimed ticket's params, and no point of a finite space twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from qa_sweep.sweep import internals
from qa_sweep.sweep.samplers import GRID, make_sampler
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.tickets import given_params

_N_DRAWS = 8  # before an untried point is taken at random


@dataclass(frozen=True)
class Sampling:
    """Draws params by the sampler called `name`.

    Seeding by trial number draws the same params however the sweep was cut into processes.
    """

    study: optuna.Study
    space: Space
    name: str
    seed: int

    @property
    def avoids_known_points(self) -> bool:
        """Whether a draw depends on all trials before it, so that only one may draw at a time."""
        return self.name != GRID and self.space.is_finite

    @property
    def may_take_long(self) -> bool:
        """Whether a draw may last for longer than a worker may be silent."""
        return self.avoids_known_points or self.name == "gp"

    def draw(self, trial_id: int, number: int) -> optuna.Trial:
        """The claimed trial with its params; those that it has, or its ticket names, stay."""
        trial = self._begin(trial_id, number)
        is_given = self.space.is_point(internals.fixed_params(trial))
        if self.avoids_known_points and not is_given:
            internals.fix_params(trial, self._draw_untried(trial))
        for param in self.space.params:
            if param.applies(trial.params):
                internals.suggest(trial, param.name, param.distribution)
        return trial

    def _begin(self, trial_id: int, number: int, attempt: int = 0) -> optuna.Trial:
        draw_seed = _seed_of_draw(self.seed, number, attempt)
        grouped = self.space.has_conditions
        self.study.sampler = make_sampler(self.name, draw_seed, self.seed, grouped)
        return optuna.Trial(self.study, trial_id)

    def _draw_untried(self, trial: optuna.Trial) -> Mapping[str, Any]:
        """Params that no other trial has (optuna#2021)."""
        tried = self._tried(trial.number)
        values: dict[str, Any] = {}
        for attempt in range(_N_DRAWS):
            if attempt:
                trial = self._begin(internals.trial_id(trial), trial.number, attempt)
            values = self._propose(trial)
            if self.space.key(values) not in tried:
                return values
        given = internals.fixed_params(trial)
        untried = [
            point
            for point in self.space.grid()
            if self.space.key(point) not in tried and given.items() <= point.items()
        ]
        if not untried:
            return values
        return untried[_seed_of_draw(self.seed, trial.number, _N_DRAWS) % len(untried)]

    def _propose(self, trial: optuna.Trial) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for param in self.space.params:
            if param.applies(values):
                values[param.name] = internals.propose(trial, param.name, param.distribution)
        return values

    def _tried(self, number: int) -> set[Any]:
        """The points of the other trials, also of tickets that name theirs and are not drawn."""
        trials: Sequence[FrozenTrial] = self.study.get_trials(deepcopy=False)
        given = [given_params(trial) for trial in trials if trial.number != number]
        return {self.space.key(params) for params in given if self.space.is_point(params)}


def _seed_of_draw(seed: int, number: int, attempt: int) -> int:
    text = f"{seed} {number}" + (f" {attempt}" if attempt else "")
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
