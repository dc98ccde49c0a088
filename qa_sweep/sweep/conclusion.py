"""Conclusion: what a sweep ends with: the table, the best trial, and what to type next."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml
from optuna.trial import FrozenTrial
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_sweep.errors import StudyError
from qa_sweep.files import write_text
from qa_sweep.leftovers import remove_leftovers
from qa_sweep.sweep.limits import Halt
from qa_sweep.sweep.points import Point
from qa_sweep.sweep.repeats import settings_by_trial
from qa_sweep.sweep.summary import (
    Leaderboard,
    as_typed,
    error_of,
    format_column,
    format_value,
    metrics_of,
    short_name,
)

BEST_FILE = "best.yaml"


def conclude(
    console: Console,
    leaderboard: Leaderboard,
    folder: Path,
    repeat_setting: str,
    next_steps: Sequence[str],
    halt: Halt | None,
) -> float:
    """Show what came of the study in `folder`, keep its best trial in a file, return its value.

    Where points have several trials, which differ in `repeat_setting` alone, their means are shown.
    `halt` is why it takes no more trials, if it does not. Raises StudyError where failures are the
    reason, or no trial is complete.
    """
    leaderboard = replace(leaderboard, repeat_setting=repeat_setting)
    console.print(leaderboard.table(f"study {folder.name}"))
    if leaderboard.is_repeated:
        console.print(_points_table(leaderboard.points, leaderboard.objectives[0].name))
    for trial in leaderboard.failed:
        console.print(f"trial {trial.number} failed: {error_of(trial)}", markup=False)
    if halt is not None and halt.is_failure:
        raise StudyError(
            f"study {folder.name} was stopped: {halt.reason}; see the logs in {as_typed(folder)}"
        )
    best = leaderboard.best
    if best is None:
        raise StudyError(
            f"no trial of study {folder.name} is complete; see the logs in {as_typed(folder)}"
        )
    if halt is not None:
        console.print(f"stopped: {halt.reason}", markup=False)
    remove_leftovers(folder, f".{BEST_FILE}.")
    write_text(folder / BEST_FILE, _describe(best, leaderboard))
    for line in _on_best(best, leaderboard, as_typed(folder)):
        console.print(line, soft_wrap=True, markup=False)
    if next_steps:
        console.print("next:")
    for command in next_steps:
        console.print(Text(f"  {command}"), soft_wrap=True)  # to the letter
    return float(best.values[0])


def _on_best(best: FrozenTrial, leaderboard: Leaderboard, folder: str) -> Iterator[str]:
    name, value = leaderboard.objectives[0].name, format_value(float(best.values[0]))
    yield f"best: trial {best.number}, {name} {value}, in {folder}/{best.number}"
    if leaderboard.is_repeated:
        yield f"  it is {leaderboard.why_best}"
    if len(leaderboard.objectives) > 1:
        numbers = ", ".join(str(trial.number) for trial in leaderboard.front())
        yield f"no other trial is better in all objectives than: {numbers}"


def _describe(best: FrozenTrial, leaderboard: Leaderboard) -> str:
    settings = settings_by_trial(leaderboard.trials)[leaderboard.trials.index(best)]
    content = {
        "trial": best.number,
        "folder": str(best.number),
        "metrics": metrics_of(best),
        "params": {**best.params, **settings},
        **_point_of_best(leaderboard),
    }
    return yaml.safe_dump(content, sort_keys=False)


def _point_of_best(leaderboard: Leaderboard) -> dict[str, object]:
    """What the best trial was chosen by; nothing without repeats."""
    if not leaderboard.is_repeated:
        return {}
    point = leaderboard.points[0]
    return {
        "chosen_as": leaderboard.why_best,
        "point": {
            "trials": [trial.number for trial in point.trials],
            "mean": point.mean,
            "deviation": point.deviation,
        },
    }


def _points_table(points: Sequence[Point], objective: str) -> Table:
    """For the terminal: params, mean and standard deviation, trials; the best one stands out."""
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
        style = "bold green" if point is points[0] else None
        table.add_row(*map(Text, [*cells, average, deviation, numbers]), style=style)
    return table
