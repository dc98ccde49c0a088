"""Conclusion: what a sweep ends with: the table, the best trial, and what to type next."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from optuna.trial import FrozenTrial
from rich.console import Console

from qa_sweep.errors import StudyError
from qa_sweep.files import write_text
from qa_sweep.sweep.limits import Halt
from qa_sweep.sweep.points import points_of, points_table
from qa_sweep.sweep.repeats import settings_by_trial
from qa_sweep.sweep.summary import Leaderboard, error_of, format_value, metrics_of

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
    console.print(leaderboard.table(f"study {folder.name}"))
    points = points_of(leaderboard, repeat_setting)
    if any(len(point.trials) > 1 for point in points):
        console.print(points_table(points, leaderboard.objectives[0].name))
    for trial in leaderboard.failed:
        console.print(f"trial {trial.number} failed: {error_of(trial)}", markup=False)
    if halt is not None and halt.is_failure:
        raise StudyError(
            f"study {folder.name} was stopped: {halt.reason}; see the logs in {_as_typed(folder)}"
        )
    best = leaderboard.best
    if best is None:
        raise StudyError(
            f"no trial of study {folder.name} is complete; see the logs in {_as_typed(folder)}"
        )
    if halt is not None:
        console.print(f"stopped: {halt.reason}", markup=False)
    write_text(folder / BEST_FILE, _describe(best, leaderboard))
    name, value = leaderboard.objectives[0].name, float(best.values[0])
    where = f"{_as_typed(folder)}/{best.number}"
    console.print(
        f"best: trial {best.number}, {name} {format_value(value)}, in {where}", soft_wrap=True
    )
    if len(leaderboard.objectives) > 1:
        numbers = ", ".join(str(trial.number) for trial in leaderboard.front())
        console.print(f"no other trial is better in all objectives than: {numbers}")
    if next_steps:
        console.print("next:")
    for command in next_steps:
        console.print(f"  {command}", soft_wrap=True, markup=False, highlight=False)
    return value


def _describe(best: FrozenTrial, leaderboard: Leaderboard) -> str:
    settings = settings_by_trial(leaderboard.trials)[leaderboard.trials.index(best)]
    content = {
        "trial": best.number,
        "folder": str(best.number),
        "metrics": metrics_of(best),
        "params": {**best.params, **settings},
    }
    return yaml.safe_dump(content, sort_keys=False)


def _as_typed(path: Path) -> str:
    """The path as somebody in the working directory would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
