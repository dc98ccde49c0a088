"""How cost grows with the data, with the trials, with the workers, and from trial to trial.

    python benchmarks/growth.py --output growth.json                  # all of it: half an hour
    python benchmarks/growth.py --parts data --data squad.json --model FOLDER
    python benchmarks/growth.py --parts trials --samplers random --trials 6 60

What stands behind the columns is in README.md. Needs Linux, and for the report's page the extra
`report`.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from growth_parts import data, leak, trials, workers
from growth_parts.figures import Figure, growth_table, slope_table
from rich.console import Console
from rich.table import Table

Measure = Callable[[argparse.Namespace, Path, Callable[[str], None]], Iterator[Figure]]

PARTS: dict[str, Measure] = {
    data.PART: data.measure,
    trials.PART: trials.measure,
    workers.PART: workers.measure,
    leak.PART: leak.measure,
}
_WIDTH_OF_FILES = 130  # so that tables stay legible in a log


def main() -> None:
    options = read_options()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        os.environ["QA_SWEEP_CACHE"] = f"{folder}/cache"
        for part in options.parts:
            for figure in PARTS[part](options, Path(folder) / part, console.print):
                figures.append(figure)
                keep(options, figures)
    for table in tables(options, figures):
        console.print(table)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--repeats", type=int, default=1)
    add("--output", type=Path, help="JSON file for all figures, written as they come")
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


def keep(options: argparse.Namespace, figures: list[Figure]) -> None:
    if options.output is None:
        return
    content = {
        "machine": {"cores": n_cores(), "platform": platform.platform(), "load": os.getloadavg()},
        "options": {name: shown(value) for name, value in vars(options).items()},
        "figures": list(map(asdict, figures)),
    }
    options.output.write_text(json.dumps(content, indent=1) + "\n")


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
    main()
