"""Summary: a study's trials as a table, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.points import Point, points_of
from qa_sweep.sweep.repeats import setting_of, settings_by_trial
from qa_sweep.sweep.tickets import DIVERGED, ERROR, INFEASIBLE, OUTCOME
from qa_sweep.terminal import visible

_WORST = float("inf")


@dataclass(frozen=True)
class Leaderboard:
    """Trials sorted by the first objective, best first; those without a value come last.

    `repeat_setting` is what the trials of a point differ in.
    """

    trials: tuple[FrozenTrial, ...]
    objectives: tuple[Objective, ...]
    repeat_setting: str

    @staticmethod
    def of(
        trials: Sequence[FrozenTrial],
        objectives: Sequence[Objective],
        repeat_setting: str | None = None,
    ) -> "Leaderboard":
        """By default the repeat setting is what the trials themselves say it is."""
        objective = objectives[0]

        def rank(trial: FrozenTrial) -> tuple[bool, float, int]:
            value = trial.values[0] * objective.sign if trial.values else _WORST
            return trial.state is not TrialState.COMPLETE, value, trial.number

        setting = repeat_setting or setting_of(trials)
        return Leaderboard(tuple(sorted(trials, key=rank)), tuple(objectives), setting)

    @cached_property
    def points(self) -> list[Point]:
        """Best mean first; where nothing is repeated each is a single trial."""
        return points_of(self.trials, self.objectives[0], self.repeat_setting)

    @property
    def is_repeated(self) -> bool:
        return any(len(point.trials) > 1 for point in self.points)

    @property
    def best(self) -> FrozenTrial | None:
        """The best complete trial; None before there is one.

        With repeats the best single one owes much to a lucky seed. So it is the median one of the
        point with the best mean: what its params are worth, and what they give again.
        """
        return self.points[0].median_trial(self.objectives[0]) if self.points else None

    @property
    def best_number(self) -> int | None:
        return None if self.best is None else self.best.number

    @property
    def why_best(self) -> str:
        """`the median of the 3 trials of the point with the best mean f1`; "" without repeats."""
        if not self.is_repeated:
            return ""
        n_trials = len(self.points[0].trials)
        which = f"the median of the {n_trials} trials" if n_trials > 1 else "the only trial"
        return f"{which} of the point with the best mean {self.objectives[0].name}"

    def front(self) -> list[FrozenTrial]:
        """The complete trials that no other dominates: at least as good in all, better in one."""
        complete = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        values = [tuple(self._signed(trial)) for trial in complete]
        front: set[tuple[float, ...]] = set()
        for own in sorted(set(values)):  # what dominates another comes before it
            if not any(all(a <= b for a, b in zip(other, own, strict=True)) for other in front):
                front.add(own)
        return [trial for trial, own in zip(complete, values, strict=True) if own in front]

    def _signed(self, trial: FrozenTrial) -> list[float]:
        signs = [objective.sign for objective in self.objectives]
        return [sign * value for sign, value in zip(signs, trial.values, strict=True)]

    @property
    def failed(self) -> list[FrozenTrial]:
        return [trial for trial in self.trials if trial.state is TrialState.FAIL]

    def metric_names(self) -> list[str]:
        """The objectives, then the other metrics that the jobs returned."""
        names = [objective.name for objective in self.objectives]
        for trial in self.trials:
            if trial.state is TrialState.COMPLETE:
                names += [name for name in metrics_of(trial) if name not in names]
        return names

    def param_names(self) -> list[str]:
        return list(dict.fromkeys(name for trial in self.trials for name in trial.params))

    def table(self, title: str) -> Table:
        """For the terminal: trial, params, what repeats differ in, metrics, time, state."""
        metrics = self.metric_names()
        rows = [
            {**trial.params, **settings}
            for trial, settings in zip(self.trials, settings_by_trial(self.trials), strict=True)
        ]
        params = list(dict.fromkeys([*self.param_names(), *(name for row in rows for name in row)]))
        table = Table(title=Text(title), title_justify="left", title_style="bold", box=SIMPLE)
        table.add_column("trial", justify="right")
        for name in params:
            shown = short_name(name, params).replace("_", " ")
            header = Text(visible(shown))
            table.add_column(header, justify="right", style="cyan", overflow="fold")
        for name in metrics:
            table.add_column(Text(visible(name.replace("_", " "))), justify="right")
        table.add_column("time", justify="right")
        table.add_column("state")
        columns = [
            [str(trial.number) for trial in self.trials],
            *([format_value(row.get(name, "")) for row in rows] for name in params),
            *(format_column([metrics_of(t).get(name) for t in self.trials]) for name in metrics),
            [format_duration(trial) for trial in self.trials],
            [state_of(trial) for trial in self.trials],
        ]
        for trial, cells in zip(self.trials, zip(*columns, strict=True), strict=True):
            style = _style(trial, self.best_number)
            table.add_row(*(Text(visible(cell)) for cell in cells), style=style)  # no markup
        return table


def describe_result(trial: FrozenTrial, objectives: Sequence[Objective]) -> str:
    """What came of a trial: `complete  f1 96.7  loss 0.1038`, the objectives first."""
    metrics = metrics_of(trial)
    names = [*(objective.name for objective in objectives), *metrics]
    shown = [
        f"{name} {format_value(metrics[name])}" for name in dict.fromkeys(names) if name in metrics
    ]
    if trial.state is TrialState.FAIL:
        shown.append(error_of(trial))
    return "  ".join([state_of(trial), *shown])


def state_of(trial: FrozenTrial) -> str:
    """`complete`, `pruned`, `fail`, …, or `diverged`, `infeasible`, as Optuna does not say."""
    if trial.state is TrialState.FAIL and trial.user_attrs.get(OUTCOME) == DIVERGED:
        return DIVERGED
    return "infeasible" if INFEASIBLE in trial.user_attrs else trial.state.name.lower()


def metrics_of(trial: FrozenTrial) -> dict[str, float]:
    """The metrics that the trial's job returned."""
    return {
        name: value
        for name, value in trial.user_attrs.items()
        if isinstance(value, float)  # the sweep's own attributes are whole numbers or texts
    }


def error_of(trial: FrozenTrial) -> str:
    """What the trial failed of, in one line."""
    text = str(trial.user_attrs.get(ERROR, "unknown"))
    return text.splitlines()[0] if text else "unknown"


def short_name(name: str, names: Sequence[str]) -> str:
    """The last part of a dotted name where that tells it from the other `names`."""
    last = name.rsplit(".", 1)[-1]
    return last if sum(other.rsplit(".", 1)[-1] == last for other in names) == 1 else name


def describe(params: Mapping[str, Any]) -> str:
    """`batch_size=16 learning_rate=0.004`"""
    names = list(params)
    return " ".join(f"{short_name(name, names)}={format_value(params[name])}" for name in names)


def format_value(value: Any) -> str:
    """A number with three or four meaningful digits; 0.00004 rather than 4e-05."""
    if not isinstance(value, float):
        return str(value)
    if value != value or abs(value) in (_WORST, 0.0):
        return f"{value:g}"
    if abs(value) >= 10:
        return f"{value:.1f}" if abs(value) < 10_000 else f"{value:.4g}"
    if abs(value) >= 1e-5:
        return f"{value:.8f}".rstrip("0") if abs(value) < 0.01 else f"{value:.4g}"
    return f"{value:.3g}"


def as_typed(path: Path) -> str:
    """The path as somebody in the working directory would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def format_duration(trial: FrozenTrial) -> str:
    return format_seconds(trial.duration.total_seconds()) if trial.duration else "–"


def format_seconds(seconds: float) -> str:
    """`17.2 s`, `3:05`, or `2:03:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_column(values: Sequence[float | None]) -> list[str]:
    """The values with one number of decimals, which leaves the highest about four digits."""
    highest = max((abs(value) for value in values if value is not None), default=0.0)
    n_decimals = 4 if highest < 1 else 3 if highest < 10 else 1
    return ["–" if value is None else f"{value:.{n_decimals}f}" for value in values]


def _style(trial: FrozenTrial, best_number: int | None) -> str | None:
    if trial.number == best_number:
        return "bold green"
    return "red" if trial.state is TrialState.FAIL else None
