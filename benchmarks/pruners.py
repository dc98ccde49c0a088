"""Pruners: what each would have saved and lost, played on whole learning curves in many orders.

    python benchmarks/pruners.py --to measured         # a quarter of an hour on two cores
    python benchmarks/pruners.py data.n_train=200 data.n_eval=40 --sweeps 1      # a try

The grids of `sweep_speed.py search` are trained without a pruner, evaluated as often as
`sweeps/search.yaml` has it. Then two workers, which are but played, take the points in some order;
a trial that its pruner ends costs the seconds of the evaluations that it came to. Each sweep has a
seed of its own, and is kept in the folder after --to: the same command goes on where it was, and
--show only shows.
"""

import argparse
import heapq
import random
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import optuna
from optuna.trial import TrialState
from rich.console import Console
from rich.table import Table
from series import Found, Series, interruptible
from speed_parts.search import AS_GRID, FINER, GRIDS, OBJECTIVE, sweep

from qa_sweep.sweep.pruners import make_pruner

EVALUATIONS = "trainer.evaluations_per_epoch=4"  # as `sweeps/search.yaml`
N_WORKERS = 2
MUCH = 3.0  # F1
WIDTH_OF_FILES = 130  # so that tables stay legible in a log
PRUNERS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("asha", {"min_resource": 1, "reduction_factor": 3}),
    ("asha", {"min_resource": 1, "reduction_factor": 2}),
    ("asha", {"min_resource": 2, "reduction_factor": 3}),
    ("asha", {"min_resource": 2, "reduction_factor": 2}),
    ("asha", {"min_resource": 3, "reduction_factor": 3}),
    ("asha", {"min_resource": 3, "reduction_factor": 2}),
    ("median", {"n_startup_trials": 4}),
    ("median", {"n_startup_trials": 4, "n_warmup_steps": 2}),
)


@dataclass(frozen=True)
class Curve:
    """A point's whole training: its metric at each evaluation, evenly spaced in its seconds."""

    params: Mapping[str, Any]
    values: Sequence[float]
    seconds: float

    @property
    def evaluation_s(self) -> float:
        return self.seconds / len(self.values)


@dataclass(frozen=True)
class Played:
    """What a pruner saved, grid's seconds by its own, and by how much its best is below."""

    ratio: float
    lost: float


def main() -> None:
    options = read_options()
    series = Series(options.to / "pruners.jsonl", {"overrides": options.overrides})
    if not options.show:
        train_all(options, series)
    found = series.whole([FINER], range(options.sweeps))
    if not found:
        sys.exit("a sweep must be whole to be shown; the same command without --show makes it")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    grids = [curves_of(each[FINER]) for each in found]
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    for name in GRIDS:
        console.print(table(name, [within(name, curves) for curves in grids], options.orders), "")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("overrides", nargs="*", metavar="SETTING", help="of the sweeps, e.g. trainer.epochs=1")
    add("--sweeps", type=int, default=5, help="each with a seed of its own")
    add("--orders", type=int, default=60, help="in which the points of each sweep are taken")
    add("--to", type=Path, default=Path("measured"), help="folder for what was measured")
    add("--show", action="store_true", help="train nothing more")
    return parser.parse_intermixed_args()


def train_all(options: argparse.Namespace, series: Series) -> None:
    settings = (AS_GRID, *GRIDS[FINER], EVALUATIONS, f"hydra.sweeper.n_workers={N_WORKERS}")
    for number in range(options.sweeps):
        with tempfile.TemporaryDirectory(prefix="pruners-") as folder:
            turn = sweep(FINER, number, [*settings, *options.overrides])
            series.take(number, FINER, partial(turn, Path(folder)))
        print(series.what_is_left([FINER], range(options.sweeps)))


def curves_of(found: Found) -> list[Curve]:
    return [
        Curve(trial["params"], in_order(trial["intermediate_values"]), trial["seconds"])
        for trial in found["trials"]
    ]


def in_order(values: Mapping[str, float]) -> list[float]:
    return [values[step] for step in sorted(values, key=int)]


def within(name: str, curves: Sequence[Curve]) -> list[Curve]:
    """Those of a grid's points."""
    values = dict(param.split("=") for param in GRIDS[name])
    return [
        curve
        for curve in curves
        if all(
            float(value) in map(float, values[param].split(","))
            for param, value in curve.params.items()
        )
    ]


def table(name: str, grids: Sequence[Sequence[Curve]], n_orders: int) -> Table:
    columns = ("settings", "grid's s by its own", "winner kept", f"{OBJECTIVE} less", "much less")
    found = Table("pruner", *columns, box=None)
    found.title = (
        f"{name} points, {len(grids)} sweeps, {n_orders} orders each; much is over {MUCH:g}"
    )
    for pruner, settings in PRUNERS:
        played = [each for curves in grids for each in play_all(pruner, settings, curves, n_orders)]
        found.add_row(pruner, words_of(settings), *figures_of(played))
    return found


def words_of(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def figures_of(played: Sequence[Played]) -> Iterator[str]:
    ratios, lost = [each.ratio for each in played], [each.lost for each in played]
    yield f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    yield f"{mean(each <= 0 for each in lost):.0%}"
    yield f"{mean(lost):.2f}"
    yield f"{mean(each > MUCH for each in lost):.0%}"


def play_all(
    pruner: str, settings: Mapping[str, Any], curves: Sequence[Curve], n_orders: int
) -> Iterator[Played]:
    orders = random.Random(0)
    for _ in range(n_orders):
        study = optuna.create_study(direction="maximize", pruner=make_pruner(pruner, settings))
        yield play(study, orders.sample(curves, len(curves)))


def play(study: optuna.Study, curves: Sequence[Curve]) -> Played:
    """Have workers take the `curves` in this order, each whenever its trial is over."""
    waiting, complete, seconds, now = list(curves), [], 0.0, 0.0
    at_work: list[
        tuple[float, int, int, Curve, optuna.Trial]
    ] = []  # what is over first comes first
    while waiting or at_work:
        while waiting and len(at_work) < N_WORKERS:
            curve, trial = waiting.pop(0), study.ask()
            heapq.heappush(at_work, (now + curve.evaluation_s, trial.number, 1, curve, trial))
        now, number, step, curve, trial = heapq.heappop(at_work)
        seconds += curve.evaluation_s
        trial.report(curve.values[step - 1], step)
        if step == len(curve.values):
            study.tell(trial, curve.values[-1])
            complete.append(curve.values[-1])
        elif trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
        else:
            heapq.heappush(at_work, (now + curve.evaluation_s, number, step + 1, curve, trial))
    best = max(curve.values[-1] for curve in curves)
    return Played(sum(curve.seconds for curve in curves) / seconds, best - max(complete, default=0))


if __name__ == "__main__":
    interruptible(main)
