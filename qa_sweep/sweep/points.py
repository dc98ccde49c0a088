"""Points: trials that differ in one repeated setting alone, and the mean of what came of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.repeats import index_of
from qa_sweep.sweep.spelling import plain_name


@dataclass(frozen=True)
class Point:
    """The complete trials with these params, in the order of their numbers."""

    params: Mapping[str, Any]
    trials: tuple[FrozenTrial, ...]

    @property
    def values(self) -> list[float]:
        """Of the first objective."""
        return [trial.values[0] for trial in self.trials]

    @property
    def mean(self) -> float:
        return mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Standard deviation from trial to trial; None for a single one."""
        return stdev(self.values) if len(self.trials) > 1 else None

    def median_trial(self, objective: Objective) -> FrozenTrial:
        """Neither a lucky nor an unlucky one; of two in the middle the better one."""
        ranked = sorted(self.trials, key=lambda trial: objective.sign * trial.values[0])
        return ranked[(len(ranked) - 1) // 2]


def points_of(
    trials: Sequence[FrozenTrial], objective: Objective, repeat_setting: str
) -> list[Point]:
    """The points, best mean first; `repeat_setting` is what tells a point's trials apart.

    Where nothing is repeated each trial is a point of its own, also in a study whose params are not
    known.
    """
    is_repeated = any(_may_have_repeats(trial, repeat_setting) for trial in trials)
    groups: dict[object, list[FrozenTrial]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.state is TrialState.COMPLETE:
            params = params_of_point(trial.params, repeat_setting)
            key = frozenset((name, repr(value)) for name, value in params.items())
            groups[key if is_repeated else trial.number].append(trial)
    points = [
        Point(params_of_point(trials[0].params, repeat_setting), tuple(trials))
        for trials in groups.values()
    ]
    return sorted(points, key=lambda point: point.mean * objective.sign)


def params_of_point(params: Mapping[str, Any], repeat_setting: str) -> dict[str, Any]:
    """The params but the one that is a repeat's: a seed may be swept as well."""
    return {name: value for name, value in params.items() if plain_name(name) != repeat_setting}


def _may_have_repeats(trial: FrozenTrial, repeat_setting: str) -> bool:
    return index_of(trial) > 0 or repeat_setting in map(plain_name, trial.params)
