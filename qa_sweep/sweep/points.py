"""Points: trials that differ in one repeated setting alone, and the mean of what came of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from qa_sweep.sweep.spelling import plain_name
from qa_sweep.sweep.summary import Leaderboard, format_column, format_value, short_name


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


def points_of(leaderboard: Leaderboard, repeat_setting: str) -> list[Point]:
    """The points, best mean first; `repeat_setting` is what tells a point's trials apart."""
    groups: dict[tuple[Any, ...], list[FrozenTrial]] = defaultdict(list)
    for trial in sorted(leaderboard.trials, key=lambda trial: trial.number):
        if trial.state is TrialState.COMPLETE:
            params = params_of_point(trial.params, repeat_setting)
            groups[tuple(sorted((name, repr(value)) for name, value in params.items()))].append(
                trial
            )
    points = [
        Point(params_of_point(trials[0].params, repeat_setting), tuple(trials))
        for trials in groups.values()
    ]
    sign = leaderboard.objectives[0].sign
    return sorted(points, key=lambda point: point.mean * sign)


def params_of_point(params: Mapping[str, Any], repeat_setting: str) -> dict[str, Any]:
    """The params but the one that is a repeat's: a seed may be swept as well."""
    return {name: value for name, value in params.items() if plain_name(name) != repeat_setting}


def points_table(points: Sequence[Point], objective: str) -> Table:
    """For the terminal: params, mean and standard deviation, trials."""
    names = list(dict.fromkeys(name for point in points for name in point.params))
    table = Table(title=f"points by mean {objective}", title_justify="left", box=SIMPLE)
    for name in names:
        shown = short_name(name, names).replace("_", " ")
        table.add_column(shown, justify="right", style="cyan", overflow="fold")
    table.add_column(f"mean {objective}".replace("_", " "), justify="right")
    table.add_column("± deviation", justify="right")
    table.add_column("trials", overflow="fold")
    means = format_column([point.mean for point in points])
    deviations = format_column([point.deviation for point in points])
    for point, average, deviation in zip(points, means, deviations, strict=True):
        cells = [format_value(point.params.get(name, "")) for name in names]
        numbers = ", ".join(str(trial.number) for trial in point.trials)
        table.add_row(*map(Text, [*cells, average, deviation, numbers]))  # no markup in them
    return table
