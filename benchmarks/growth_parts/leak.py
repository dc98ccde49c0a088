"""Leak: what a process keeps of each trial that it has trained."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from growth_parts.figures import Figure
from growth_parts.processes import cost_of_command

PART = "leak"

_APP = Path(__file__).parent / "leak_app.py"
_TRACKING = ("off", "aim")

Say = Callable[[str], None]


def measure(options: argparse.Namespace, folder: Path, say: Say) -> Iterator[Figure]:
    """Yield what a sweep's process holds after each of its trials; all of them train a model."""
    for repeat in range(options.repeats):
        for tracking in _TRACKING:
            place = folder / f"{tracking}-{repeat}"
            journal = _run(tracking, options.leak_trials, place)
            say(f"leak: tracking={tracking}: {journal[0]} … {journal[-1]}")
            for number, held in enumerate(journal, start=1):
                for quantity, value in held.items():
                    yield Figure(PART, f"tracking={tracking}", quantity, number, value)


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
    cost_of_command(command, folder, {"BENCHMARK_JOURNAL": str(journal)})
    return [json.loads(line) for line in journal.read_text().splitlines()]
