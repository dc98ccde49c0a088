"""A sweep beside the tutorial's script on the same work, and a search beside the grid.

    python benchmarks/sweep_speed.py embedded                      # an hour or more on two cores
    python benchmarks/sweep_speed.py text --train train.json --model FOLDER --learning-rate 2e-4
    python benchmarks/sweep_speed.py search
    python benchmarks/sweep_speed.py embedded data.n_train=200 data.n_eval=40 --pairs 1   # a try

Further settings of ours follow the part's name. What is in --output already is not measured again,
so the same command goes on where it was.
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
from speed_parts import same_work, search
from speed_parts.contenders import Turn, ours, tutorial
from speed_parts.measurements import Measurements
from speed_parts.problem import Grid, Problem, embedded_problem, text_problem
from tutorial import BATCH_SIZES, LEARNING_RATES

N_WORKERS = 2
WIDTH_OF_FILES = 150  # so that tables stay legible in a log
HOW_TO_RUN = {"pairs", "output", "keep"}  # options that change no measurement


@dataclass(frozen=True)
class Part:
    """What takes turns in each pair, what each pair must hold, and how it is shown."""

    turns: Callable[[int], Mapping[str, Turn]]  # of a pair
    require: Callable[[Mapping[str, Any]], None]
    tables: Callable[[Sequence[Any]], Iterator[Table]]


def main() -> None:
    options = read_options()
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    measurements = Measurements(options.output, settings_of(options))
    with tempfile.TemporaryDirectory(prefix="sweep-speed-") as folder:
        part = PARTS[options.part](options, Path(folder))
        for pair in range(options.pairs):
            measure_pair(part, pair, measurements, Path(folder), options.keep)
            part.require(measurements.of_pair(pair))
            for table in part.tables(measurements.pairs()):
                console.print(table, "")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("part", choices=PARTS)
    add("overrides", nargs="*", metavar="SETTING", help="of ours, e.g. trainer.epochs=1")
    add("--pairs", type=int, default=5)
    add("--output", type=Path, default=Path("sweep-speed.json"), help="all figures, as JSON")
    add("--keep", type=Path, help="folder in which what the contenders wrote stays")
    add("--max-length", type=int, default=384, help="embedded: tokens to which the tutorial pads")
    add("--tutorial-threads", type=int, help="of the tutorial; by default torch's own choice")
    add("--train", type=Path, help="text: examples in SQuAD's JSON")
    add("--eval", type=Path, help="text: by default a fifth of the articles in --train")
    add("--model", help="text: folder of a pretrained model")
    add("--limit", type=int, help="text: examples taken to train on")
    add("--batch-size", type=int, nargs="+", default=[8], help="text: several make a grid")
    add("--learning-rate", type=float, nargs="+", default=[2e-4], help="text: several make a grid")
    add("--epochs", type=float, default=2.0, help="text")
    add("--evaluations", type=int, default=4, help="search: an epoch's, where trials may end early")
    options = parser.parse_intermixed_args()
    if options.part == "text" and not (options.train and options.model):
        parser.error("text needs --train FILE and --model FOLDER")
    return options


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What measurements depend on."""
    kept = {name: value for name, value in vars(options).items() if name not in HOW_TO_RUN}
    return json.loads(json.dumps(kept, default=lambda path: str(path.resolve())))


def measure_pair(
    part: Part, pair: int, measurements: Measurements, folder: Path, keep: Path | None
) -> None:
    """Let all take their turns; every other pair in the opposite order."""
    turns = list(part.turns(pair).items())
    for name, turn in turns if pair % 2 == 0 else reversed(turns):
        work = keep.resolve() / f"{pair}-{name.replace(' ', '-')}" if keep else folder / "turn"
        measurements.make(pair, name, partial(in_new_folder, turn, work))
        if not keep:
            shutil.rmtree(work, ignore_errors=True)


def in_new_folder(turn: Turn, folder: Path) -> Mapping[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)  # of a turn that was cut short
    folder.mkdir(parents=True)
    return turn(folder)


def embedded(options: argparse.Namespace, folder: Path) -> Part:
    """The grid as it stands, by one worker and by two."""
    grid = Grid(BATCH_SIZES, LEARNING_RATES)
    problem = embedded_problem(options.overrides, grid, options.max_length, folder)
    two = f"{N_WORKERS} workers"
    turns = {
        "tutorial": tutorial(problem, options.tutorial_threads),
        "1 worker": ours(problem, "1 worker"),
        two: ours(problem, two, [f"hydra.sweeper.n_workers={N_WORKERS}"]),
    }
    return same_work_part(problem, turns)


def text(options: argparse.Namespace, folder: Path) -> Part:
    """A pretrained model on local data."""
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
    turns = {"tutorial": tutorial(problem, options.tutorial_threads), "ours": ours(problem, "ours")}
    return same_work_part(problem, turns)


def same_work_part(problem: Problem, turns: Mapping[str, Turn]) -> Part:
    require = partial(same_work.require_same_work, n_points=problem.grid.size)
    return Part(lambda pair: turns, require, same_work.tables)


def pruned(options: argparse.Namespace, folder: Path) -> Part:
    """The grid, the grid with pruning, and the ready search."""
    often = [*options.overrides, f"trainer.evaluations_per_epoch={options.evaluations}"]
    sweeps = {
        search.GRID: options.overrides,
        search.PRUNED_GRID: [*often, "hydra.sweeper.pruner=asha"],
        search.SEARCH: [*often, "sweeps=search"],
    }

    def turns(pair: int) -> dict[str, Turn]:
        return {name: search.sweep(name, pair, overrides) for name, overrides in sweeps.items()}

    return Part(turns, lambda pair: None, search.tables)


PARTS = {"embedded": embedded, "text": text, "search": pruned}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from here")
