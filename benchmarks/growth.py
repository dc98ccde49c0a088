"""How cost grows with the data, with the trials, with the workers, and from trial to trial.

    python benchmarks/growth.py --to measured           # all of it: three quarters of an hour
    python benchmarks/growth.py --parts data --data squad.json --model FOLDER
    python benchmarks/growth.py --parts trials --samplers random --trials 6 60

Each part has a table and a file of its own in the folder after --to. What is there is not measured
again: the same command goes on where it was, other sizes are added, and --show only shows. What
stands behind the columns is in README.md. Needs Linux, and for a report's page the extra `report`.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from growth_parts import data, leak, trials, workers
from growth_parts.figures import Figure, Step, growth_table, slope_table
from rich.console import Console
from rich.table import Table
from series import Series, interruptible

PARTS: dict[str, ModuleType] = {part.PART: part for part in (data, trials, workers, leak)}
_WIDTH_OF_FILES = 130  # so that tables stay legible in a log


def main() -> None:
    options = read_options()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        os.environ["QA_SWEEP_CACHE"] = f"{folder}/cache"
        for name in options.parts:
            part = PARTS[name]
            settings = {option: shown(getattr(options, option)) for option in part.DEPENDS_ON}
            series = Series(options.to / f"growth-{name}.jsonl", settings)
            steps = part.steps(options, Path(folder) / name)
            if not options.show:
                take_all(series, steps, range(options.repeats), console)
            figures = figures_of(series, steps, range(options.repeats))
            for table in tables(options, figures):
                console.print(table)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--repeats", type=int, default=1)
    add("--to", type=Path, default=Path("measured"), help="folder for what was measured")
    add("--show", action="store_true", help="measure nothing more")
    add("--times", nargs="+", type=int, default=[1, 4, 16], help="data: sizes")
    add("--examples", type=int, default=1_000, help="data, workers: to train on, at size 1")
    add("--questions", type=int, default=250, help="data, workers: held out, at size 1")
    add("--data", type=Path, help="data: file of real text, as SQuAD's; else text is generated")
    add("--model", help="data: folder of a pretrained model for that text; else it is from scratch")
    add("--trials", nargs="+", type=int, default=[6, 60, 600], help="trials: sizes")
    add("--samplers", nargs="+", choices=trials.SAMPLERS, default=list(trials.SAMPLERS))
    add("--workers", nargs="+", type=int, default=[1, 2, 4], help="workers: sizes")
    add("--sleeps", type=int, default=40, help="workers: trials that sleep")
    add("--sleep", type=float, default=1.0, help="workers: seconds that each of them does")
    add("--runs", type=int, default=8, help="workers: trials that compute")
    add("--leak-trials", type=int, default=60, help="leak: trials in one process")
    return parser.parse_args()


def take_all(series: Series, steps: Mapping[str, Step], repeats: range, console: Console) -> None:
    for repeat in repeats:
        for name, step in steps.items():
            if not series.is_taken(repeat, name):
                series.take(repeat, name, partial(measured, name, step, repeat))
                console.print(f"{name}: {series.what_is_left(list(steps), repeats)}")


def measured(name: str, step: Step, repeat: int) -> dict[str, dict[str, Any]]:
    return {name: {"figures": list(map(asdict, step(repeat)))}}


def figures_of(series: Series, steps: Mapping[str, Step], repeats: range) -> list[Figure]:
    found = [series.found(repeat, name) for repeat in repeats for name in steps]
    return [
        Figure(**figure)
        for in_step in found
        for each in (in_step or {}).values()
        for figure in each["figures"]
    ]


def tables(options: argparse.Namespace, figures: list[Figure]) -> Iterator[Table]:
    """One a part; `by linear` says by how much more than the size a figure grew."""
    text = options.data.name if options.data else "embedded data"
    amount = f"{options.examples:,} examples and {options.questions:,} questions"
    titles = {
        data.PART: (f"{text}, × 1 is {amount}", "×"),
        trials.PART: ("trials that do nothing, one worker", "trials"),
        workers.PART: (f"workers, {n_cores()} cores", "workers"),
    }
    for part, (title, unit) in titles.items():
        own = [figure for figure in figures if figure.part == part]
        if own:
            yield growth_table(title, unit, own)
    kept = [figure for figure in figures if figure.part == leak.PART]
    if kept:
        yield slope_table("one process, one trial after the other", kept)


def n_cores() -> int:
    return len(os.sched_getaffinity(0))


def shown(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    interruptible(main)
