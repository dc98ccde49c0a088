"""A sweep beside the tutorial's script on the same work, and a search beside the grid.

    python benchmarks/sweep_speed.py embedded --to measured                 # an hour on two cores
    python benchmarks/sweep_speed.py text --train xquad.en.json --model FOLDER --to measured
    python benchmarks/sweep_speed.py search --to measured
    python benchmarks/sweep_speed.py embedded data.n_train=200 data.n_eval=40 --pairs 1   # a try

Further settings of ours follow the part's name. Each turn is kept in the folder after --to, and is
not taken again: the same command goes on where it was, and --show only shows what is there.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from series import Series, interruptible
from speed_parts import same_work, search
from speed_parts.contenders import Turn, ours, tutorial
from speed_parts.problem import Grid, Problem, embedded_problem, text_problem
from tutorial import BATCH_SIZES, LEARNING_RATES

N_WORKERS = 2  # of a search
WIDTH_OF_FILES = 150  # so that tables stay legible in a log
# Options that change no measurement: what is measured with the last two is named after them.
HOW_TO_RUN = {"pairs", "to", "keep", "show", "workers", "grids"}


@dataclass(frozen=True)
class Part:
    """What takes turns in each pair, what each pair must hold, and how it is shown."""

    turns: Mapping[str, Callable[[int], Turn]]  # in a pair
    require: Callable[[Mapping[str, Any]], None]
    tables: Callable[[Sequence[Any]], Iterator[Table]]


def main() -> None:
    options = read_options()
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    series = Series(options.to / f"{options.part}.jsonl", settings_of(options))
    with tempfile.TemporaryDirectory(prefix="sweep-speed-") as folder:
        part = PARTS[options.part](options, Path(folder))
        if not options.show:
            measure(part, series, options, Path(folder), console)
    show(part, series.whole(list(part.turns), range(options.pairs)), console)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("part", choices=PARTS)
    add("overrides", nargs="*", metavar="SETTING", help="of ours, e.g. trainer.epochs=1")
    add("--pairs", type=int, default=5)
    add("--to", type=Path, default=Path("measured"), help="folder for what was measured")
    add("--show", action="store_true", help="measure nothing more")
    add("--keep", type=Path, help="folder in which what the contenders wrote stays")
    add("--max-length", type=int, default=384, help="embedded: tokens to which the tutorial pads")
    add("--workers", type=int, nargs="+", default=[2], help="embedded: ours is measured with each")
    add("--tutorial-threads", type=int, help="of the tutorial; by default torch's own choice")
    add("--train", type=Path, help="text: examples in SQuAD's JSON")
    add("--eval", type=Path, help="text: by default a fifth of the articles in --train")
    add("--model", help="text: folder of a pretrained model")
    add("--limit", type=int, help="text: examples taken to train on")
    add("--batch-size", type=int, nargs="+", default=[4], help="text: several make a grid")
    add("--learning-rate", type=float, nargs="+", default=[2e-4], help="text: several make a grid")
    add("--epochs", type=float, default=1.0, help="text")
    add("--grids", nargs="+", choices=search.GRIDS, default=list(search.GRIDS), help="search")
    options = parser.parse_intermixed_args()
    if options.part == "text" and not (options.train and options.model):
        parser.error("text needs --train FILE and --model FOLDER")
    return options


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What measurements depend on."""
    kept = {name: value for name, value in vars(options).items() if name not in HOW_TO_RUN}
    return json.loads(json.dumps(kept, default=lambda path: str(path.resolve())))


def measure(
    part: Part, series: Series, options: argparse.Namespace, folder: Path, console: Console
) -> None:
    """Let all take their turns; every other pair in the opposite order."""
    names = list(part.turns)
    for pair in range(options.pairs):
        for name in names if pair % 2 == 0 else reversed(names):
            if not series.is_taken(pair, name):
                work = work_folder(options.keep, pair, name) or folder / "turn"
                series.take(pair, name, partial(in_new_folder, part.turns[name](pair), work))
                console.print(f"{name}: {series.what_is_left(names, range(options.pairs))}")
        part.require(*series.whole(names, [pair]))


def work_folder(keep: Path | None, pair: int, name: str) -> Path | None:
    return keep.resolve() / f"{pair}-{name.replace(' ', '-')}" if keep else None


def in_new_folder(turn: Turn, folder: Path) -> Mapping[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)  # of the turn before, or of one that was cut short
    folder.mkdir(parents=True)
    return turn(folder)


def show(part: Part, pairs: Sequence[Any], console: Console) -> None:
    if not pairs:
        sys.exit("a pair must be whole to be shown; the same command without --show goes on")
    for table in part.tables(pairs):
        console.print(table, "")


def embedded(options: argparse.Namespace, folder: Path) -> Part:
    """The grid as it stands, by some workers."""
    grid = Grid(BATCH_SIZES, LEARNING_RATES)
    problem = embedded_problem(options.overrides, grid, options.max_length, folder)
    turns = {"tutorial": tutorial(problem, options.tutorial_threads)}
    for n_workers in options.workers:
        name = f"{n_workers} worker{'s' * (n_workers > 1)}"
        turns[name] = ours(problem, name, [f"hydra.sweeper.n_workers={n_workers}"])
    return same_work_part(problem, turns)


def text(options: argparse.Namespace, folder: Path) -> Part:
    """A pretrained model on local data; what a cache of windows saves is little beside a step."""
    source = ["data=local", f"data.path='{options.train.resolve()}'"]
    if options.eval:
        source.append(f"data.eval_path='{options.eval.resolve()}'")
    else:
        source.append("data.holdout_by=title")
    if options.limit:
        source.append(f"data.limit_train={options.limit}")
    path = Path(options.model)
    model = ["model=pretrained", f"model.name='{path.name}'", f"model.path='{path.resolve()}'"]
    settings = [*model, f"trainer.epochs={options.epochs}", *options.overrides]
    grid = Grid(options.batch_size, options.learning_rate)
    problem = text_problem(source, settings, grid, folder)
    alone = ours(problem, "ours", runs=1)
    turns = {"tutorial": tutorial(problem, options.tutorial_threads), "ours": alone}
    return same_work_part(problem, turns)


def same_work_part(problem: Problem, turns: Mapping[str, Turn]) -> Part:
    require = partial(same_work.require_same_work, n_points=problem.grid.size)
    in_each_pair = {name: partial(the_same, turn) for name, turn in turns.items()}
    return Part(in_each_pair, require, same_work.tables)


def the_same(turn: Turn, pair: int) -> Turn:
    return turn


def pruned(options: argparse.Namespace, folder: Path) -> Part:
    """Grids, the same with pruning, and the ready search."""
    given = [f"hydra.sweeper.n_workers={N_WORKERS}", *options.overrides]

    def turn(name: str, overrides: Sequence[str], pair: int) -> Turn:
        return search.sweep(name, pair, [*overrides, *given])

    ways = search.ways(options.grids)
    turns = {name: partial(turn, name, overrides) for name, overrides in ways.items()}
    return Part(turns, lambda pair: None, search.tables)


PARTS = {"embedded": embedded, "text": text, "search": pruned}


if __name__ == "__main__":
    interruptible(main)
