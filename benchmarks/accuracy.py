"""Accuracy: whether anything is traded for speed. The fast way and the plain one, over some seeds.

    python benchmarks/accuracy.py                    # five seeds, four ways: half an hour on a core
    python benchmarks/accuracy.py data.n_train=500 data.n_eval=100 --seeds 42 43       # a try

The data are the embedded ones, the point is the best of the grid. Each way changes one thing more
than the one before; the first three see the same batches, so that their losses compare step by
step. Each run is a process of its own, and is kept in the folder after --to: the same command goes
on where it was, and --show only shows what is there.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray
from processes import measure
from rich.console import Console
from rich.table import Table
from series import Found, Series, interruptible
from speed_parts.differences import MOST_VALUES, difference

from qa_sweep.config import SpeedConfig

POINT = ("trainer.batch_size=16", "trainer.learning_rate=0.004")
SWITCHES = tuple(field.name for field in fields(SpeedConfig))
FULL = "trainer.padding=max_length"
RANDOM, GROUPED = "trainer.group_by_length=false", "trainer.group_by_length=true"

PLAIN, SWITCHED, NARROW, FAST = "plain", "switches on", "and narrow batches", "and by length: fast"
WAYS: dict[str, tuple[str, ...]] = {
    PLAIN: (FULL, RANDOM, *(f"speed.{name}=false" for name in SWITCHES)),
    SWITCHED: (FULL, RANDOM),
    NARROW: (RANDOM,),
    FAST: (GROUPED,),
}
# Those with the same batches, and what alone makes their losses differ.
CURVES = {"rounding": (PLAIN, SWITCHED), "padded columns": (SWITCHED, NARROW)}
METRICS = {"exact_match": ".2f", "f1": ".2f", "loss": ".4f"}
WIDTH_OF_FILES = 130  # so that tables stay legible in a log

Seeds = Sequence[dict[str, Found]]  # for each seed what was found, by way


def main() -> None:
    options = read_options()
    if options.one is not None:
        train_one(options)
        return
    series = Series(options.to / "accuracy.jsonl", {"overrides": options.overrides, "ways": WAYS})
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    if not options.show:
        train_all(options, series, console)
    found = series.whole(list(WAYS), options.seeds)
    if len(found) < 2:
        sys.exit("two seeds must be whole to be shown; the same command without --show goes on")
    for table in (means_table(found), differences_table(found), curves_table(found)):
        console.print(table, "")


def train_all(options: argparse.Namespace, series: Series, console: Console) -> None:
    for seed in options.seeds:
        for name, settings in WAYS.items():
            if not series.is_taken(seed, name):
                overrides = [*options.overrides, *settings, f"seed={seed}"]
                series.take(seed, name, partial(in_a_process, name, overrides))
                left = series.what_is_left(list(WAYS), options.seeds)
                console.print(f"seed {seed}, {name}: {left}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("overrides", nargs="*", metavar="SETTING", help="of all runs, e.g. data.n_train=500")
    add("--seeds", type=int, nargs="+", default=[42, 43, 44, 45, 46])
    add("--to", type=Path, default=Path("measured"), help="folder for what was measured")
    add("--show", action="store_true", help="measure nothing more")
    add("--one", type=Path, help=argparse.SUPPRESS)  # the run of this process, and its folder
    options = parser.parse_intermixed_args()
    if not 2 <= len(options.seeds) <= MOST_VALUES:
        parser.error(f"--seeds must be 2 to {MOST_VALUES}, but got {len(options.seeds)}")
    return options


def in_a_process(name: str, overrides: Sequence[str]) -> dict[str, Found]:
    """What the C library and torch are told holds for a process; so each run has its own."""
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        command = [sys.executable, __file__, "--one", folder, *POINT, *overrides]
        measured = measure(command, Path(folder))
        found = json.loads((Path(folder) / "found.json").read_text())
    return {name: {**found, "wall_s": measured.wall_s}}


def train_one(options: argparse.Namespace) -> None:
    from speed_parts.training import train

    found = train(options.overrides, options.one / "run")
    (options.one / "found.json").write_text(json.dumps(found))


def means_table(found: Seeds) -> Table:
    table = Table("", *METRICS, title=f"mean ± standard deviation of {len(found)} seeds", box=None)
    for name in WAYS:
        cells = (mean_and_deviation(found, name, metric) for metric in METRICS)
        table.add_row(name, *cells)
    return table


def differences_table(found: Seeds) -> Table:
    title = f"less {PLAIN}: mean difference and its 95 % interval, paired by seed"
    table = Table("", *METRICS, title=title, box=None)
    for name in WAYS:
        if name != PLAIN:
            cells = (
                difference(values(found, name, metric), values(found, PLAIN, metric), form)
                for metric, form in METRICS.items()
            )
            table.add_row(name, *cells)
    return table


def curves_table(found: Seeds) -> Table:
    """How far the train losses of the same batches are apart."""
    title = "train loss, median over seeds and steps; what alone makes it differ, and by how much"
    table = Table("steps", f"loss, {PLAIN}", *CURVES, title=title, box=None)
    losses = {name: np.array([seed[name]["losses"] for seed in found]) for name in WAYS}
    for first, last in stretches(losses[PLAIN].shape[1]):
        steps = slice(first - 1, last)
        apart = (
            np.abs(losses[one][:, steps] - losses[other][:, steps])
            for one, other in CURVES.values()
        )
        text = f"{first}" if first == last else f"{first} to {last}"
        table.add_row(
            text, f"{middle(losses[PLAIN][:, steps]):.3f}", *(f"{middle(a):.1e}" for a in apart)
        )
    return table


def stretches(n_steps: int) -> list[tuple[int, int]]:
    """First and last steps of stretches that grow, since differences do."""
    ends = [end for end in (1, 10, 100) if end < n_steps] + [n_steps]
    return [(before + 1, end) for before, end in zip([0, *ends], ends, strict=False)]


def middle(losses: NDArray[np.float64]) -> float:
    return float(np.median(losses))


def values(found: Seeds, name: str, metric: str) -> list[float]:
    return [seed[name][metric] for seed in found]


def mean_and_deviation(found: Seeds, name: str, metric: str) -> str:
    of_seeds, form = values(found, name, metric), METRICS[metric]
    return f"{mean(of_seeds):{form}} ± {stdev(of_seeds):{form}}"


if __name__ == "__main__":
    interruptible(main)
