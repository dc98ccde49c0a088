"""Workers: how many trials an hour two and four of them get done, where one does some."""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from processes import measure

from growth_parts.figures import Figure, Step
from growth_parts.study_times import study_times

PART = "workers"
DEPENDS_ON = ("sleeps", "sleep", "runs", "examples", "questions")

_SLEEPER = Path(__file__).parent.parent / "sweeper_app" / "uneven.py"


def steps(options: argparse.Namespace, folder: Path) -> dict[str, Step]:
    """Trials a minute, from the first one's begin to the last one's end."""
    return {
        f"{n_workers}, {what}": partial(_of_workers, options, n_workers, what, folder)
        for n_workers in options.workers
        for what in KINDS
    }


def _of_workers(
    options: argparse.Namespace, n_workers: int, what: str, folder: Path, repeat: int
) -> list[Figure]:
    place = folder / f"{what}-{n_workers}-{repeat}"
    results = place / "results"
    n_trials = KINDS[what](options, n_workers, place, results)
    value = 60 * n_trials / study_times(results).span_s
    return [Figure(PART, what, "trials a minute", n_workers, value)]


def _sleep(options: argparse.Namespace, n_workers: int, folder: Path, results: Path) -> int:
    lengths = [options.sleep] * options.sleeps
    told = {
        "BENCHMARK_SECONDS": json.dumps(lengths),
        "BENCHMARK_JOURNAL": str(folder / "journal.jsonl"),
    }
    sweeper = ["hydra/sweeper=optuna5", f"hydra.sweeper.n_workers={n_workers}"]
    grid = [f"hydra.sweep.dir={results}", f"x=range(0,{len(lengths)})"]
    measure([sys.executable, str(_SLEEPER), "-m", *sweeper, *grid], folder, told)
    return len(lengths)


def _compute(options: argparse.Namespace, n_workers: int, folder: Path, results: Path) -> int:
    settings = [
        "tracking=off",
        "questions=none",
        "sweeps=none",
        "trainer.epochs=1",
        f"data.n_train={options.examples}",
        f"data.n_eval={options.questions}",
        f"hydra.sweep.dir={results}",
        f"hydra.sweeper.n_workers={n_workers}",
        f"seed=range(0,{options.runs})",
    ]
    measure([sys.executable, "-m", "qa_sweep", "-m", *settings], folder)
    return int(options.runs)


KINDS: dict[str, Callable[[argparse.Namespace, int, Path, Path], int]] = {
    "trials that sleep": _sleep,
    "trials that compute": _compute,
}
