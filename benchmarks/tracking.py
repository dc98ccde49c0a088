"""What tracking costs: a step of training, and a point as points grow many; see README.md."""

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking import Outcome, RunTracker, Subset, import_tracker, open_tracker

SYSTEM_INTERVAL_S = 1.0  # ten times as often as by default
MATRIX_SIZE = 512
OPENING_S = 1.0  # what opening costs is not a cost of steps
LOG_LEVEL = logging.INFO

log = logging.getLogger("training")


def main() -> None:
    options = read_options()
    torch.set_num_threads(1)
    log.setLevel(LOG_LEVEL)
    import_tracker(TrackingConfig())
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="tracking-") as folder:
        bench = Bench(Path(folder), options.step_ms)
        steps = {every: measure_steps(bench, options, every) for every in options.every}
        for every, found in steps.items():
            console.print(step_table(found, options.step_ms, every))
        points = {n: bench.seconds_for_points(n) for n in options.points}
        console.print(point_table(points))
    if options.output:
        content = {"options": vars(options), "steps": steps, "points": points}
        options.output.write_text(json.dumps(content, indent=1, default=str))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--step-ms", type=float, default=100.0, help="length of a step without tracking")
    add("--steps", type=int, default=60, help="steps of each run")
    add("--every", type=int, nargs="+", default=[1, 25], help="steps from one log to the next")
    add("--pairs", type=int, default=5, help="pairs of a run with tracking and one without")
    add("--points", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="points of a run")
    add("--output", type=Path, help="JSON file for all figures")
    return parser.parse_args()


class Bench:
    """Runs that track in a repo of their own."""

    def __init__(self, folder: Path, step_ms: float) -> None:
        self._folder = folder
        self._n_runs = 0
        self._step_ms = step_ms
        self._matrix = torch.randn(MATRIX_SIZE, MATRIX_SIZE)
        self._n_products = self._products_in(step_ms / 1000)
        self.open(Tracker.aim).close(Outcome.complete)  # makes the repo

    def open(self, tracker: Tracker) -> RunTracker:
        self._n_runs += 1
        config = TrackingConfig(
            tracker=tracker, repo=str(self._folder), system_interval_s=SYSTEM_INTERVAL_S
        )
        folder = self._folder / str(self._n_runs)
        folder.mkdir()
        return open_tracker(config, experiment="cost", run_name=str(self._n_runs), folder=folder)

    def run(
        self, tracker: Tracker, n_steps: int, every: int, step: Callable[[], None]
    ) -> dict[str, float]:
        """Milliseconds a step: `wall` and `cpu` (all threads), and `call`, those in our calls."""
        run = self.open(tracker)
        time.sleep(OPENING_S)
        in_calls, cpu, started = 0.0, time.process_time(), time.perf_counter()
        for number in range(n_steps):
            step()
            if number % every == 0:
                called = time.perf_counter()
                run.track(metrics(number), step=number, epoch=number / 100, subset=Subset.train)
                log.log(LOG_LEVEL, "step %d", number)
                in_calls += time.perf_counter() - called
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        run.close(Outcome.complete)
        return {
            name: 1000 * seconds / n_steps
            for name, seconds in (("wall", wall), ("cpu", cpu), ("call", in_calls))
        }

    def wait(self) -> None:
        time.sleep(self._step_ms / 1000)

    def work(self) -> None:
        for _ in range(self._n_products):
            self._matrix @ self._matrix

    def seconds_for_points(self, n_points: int) -> float:
        """From the first point until the run is closed, with as many points in a row."""
        run = self.open(Tracker.aim)
        started = time.perf_counter()
        for number in range(n_points):
            run.track({"loss": 1.0}, step=number, epoch=None, subset=Subset.train)
        run.close(Outcome.complete)
        return time.perf_counter() - started

    def _products_in(self, seconds: float) -> int:
        self._n_products = 50
        self.work()
        started = time.perf_counter()
        self.work()
        return max(1, round(self._n_products * seconds / (time.perf_counter() - started)))


def metrics(number: int) -> dict[str, float]:
    """What a Trainer logs."""
    return {"loss": 1 / (number + 1), "learning_rate": 1e-4, "grad_norm": 1.0}


def measure_steps(
    bench: Bench, options: argparse.Namespace, every: int
) -> dict[str, list[dict[str, float]]]:
    """Runs with and without tracking, by turns; and some that only wait, for the CPU's time."""
    found: dict[str, list[dict[str, float]]] = {"off": [], "aim": [], "waiting": []}
    for _ in range(options.pairs):
        found["off"].append(bench.run(Tracker.off, options.steps, every, bench.work))
        found["aim"].append(bench.run(Tracker.aim, options.steps, every, bench.work))
        found["waiting"].append(bench.run(Tracker.aim, options.steps, every, bench.wait))
    return found


def step_table(found: dict[str, list[dict[str, float]]], step_ms: float, every: int) -> Table:
    pairs = list(zip(found["off"], found["aim"], strict=True))
    shares = [100 * (with_["wall"] / without["wall"] - 1) for without, with_ in pairs]
    title = f"a step of {step_ms:g} ms, one of {every} logged, median (lowest–highest)"
    table = Table("what", "of tracking", title=title)
    table.add_row("wall time of a step, % longer than without", spread(shares, ".2f"))
    for name, what in (
        ("call", "in calls of the tracker and the log"),
        ("cpu", "CPU, all threads"),
    ):
        run = found["waiting"]
        table.add_row(f"{what}, % of a step", spread([100 * r[name] / step_ms for r in run], ".2f"))
    return table


def point_table(seconds: dict[int, float]) -> Table:
    table = Table("points", "s until closed", "µs a point", title="points of one metric in a row")
    for n_points, taken in seconds.items():
        table.add_row(f"{n_points:,}", f"{taken:.2f}", f"{1e6 * taken / n_points:.0f}")
    return table


def spread(values: Sequence[float], form: str) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}}–{high:{form}})"


if __name__ == "__main__":
    main()
