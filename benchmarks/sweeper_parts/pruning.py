"""Pruning: what it saves on a grid of learning curves, and whether the best is still found."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from sweeper_parts.measuring import Bench, read_journal
from sweeper_parts.systems import System, curves

PRUNERS = ("none", "asha")


@dataclass(frozen=True)
class PruningRun:
    """One run over the whole grid."""

    pruner: str
    seed: int
    wall_s: float
    n_steps: int  # of all jobs together
    found: bool  # whether the planted point came out best


def measure(
    bench: Bench, n_points: int, repeats: int, say: Callable[[str], None]
) -> Iterator[PruningRun]:
    """Yield each run when it has ended; each repeat has other curves and another best point."""
    for seed in range(repeats):
        planted = random.Random(seed).randrange(n_points)
        for pruner in PRUNERS:
            system = curves(pruner, n_points, planted, seed)
            run = _run(bench, system, pruner, n_points, planted, seed)
            say(
                f"pruning {seed + 1}: {pruner}: {run.wall_s:.1f} s, {run.n_steps} steps, "
                f"best point {'found' if run.found else 'lost'}"
            )
            yield run


def _run(
    bench: Bench, system: System, pruner: str, n_points: int, planted: int, seed: int
) -> PruningRun:
    with bench.work_folder() as folder:
        journal = folder / "journal.jsonl"
        measured = bench.run(system, n_points, folder, {"BENCHMARK_JOURNAL": str(journal)})
        n_steps = sum(n_steps for _, n_steps in read_journal(journal))
        best = yaml.safe_load((folder / "study" / "best.yaml").read_text())
    found = best["params"]["point"] == planted
    return PruningRun(pruner, seed, measured.wall_s, n_steps, found)
