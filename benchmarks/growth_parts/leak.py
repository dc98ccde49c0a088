"""Leak: what a process keeps of each trial that it has trained."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from processes import measure

from growth_parts.figures import Figure, Step

PART = "leak"
DEPENDS_ON = ("leak_trials",)

_APP = Path(__file__).parent / "leak_app.py"
_TRACKING = ("off", "aim")


def steps(options: argparse.Namespace, folder: Path) -> dict[str, Step]:
    """What a sweep's process holds after each of its trials; all of them train a model."""
    n_trials = options.leak_trials
    return {
        f"tracking={tracking}": partial(_of_sweep, tracking, n_trials, folder / tracking)
        for tracking in _TRACKING
    }


def _of_sweep(tracking: str, n_trials: int, folder: Path, repeat: int) -> list[Figure]:
    journal = _run(tracking, n_trials, folder / str(repeat))
    return [
        Figure(PART, f"tracking={tracking}", quantity, number, value)
        for number, held in enumerate(journal, start=1)
        for quantity, value in held.items()
    ]


def _run(tracking: str, n_trials: int, folder: Path) -> list[dict[str, float]]:
    journal = folder / "journal.jsonl"
    settings = [
        f"tracking={tracking}",
        "sweeps=none",
        "trainer.epochs=1",
        "data.n_train=64",
        "data.n_eval=32",
        f"hydra.sweep.dir={folder / 'results'}",
        f"seed=range(0,{n_trials})",
    ]
    command = [sys.executable, str(_APP), "-m", *settings]
    measure(command, folder, {"BENCHMARK_JOURNAL": str(journal)})
    return [json.loads(line) for line in journal.read_text().splitlines()]
