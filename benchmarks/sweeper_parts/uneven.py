"""Uneven trials: how busy two workers are kept by jobs of which a few take very long."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sweeper_parts.measuring import Bench, Measured, read_journal
from sweeper_parts.systems import N_WORKERS, System


@dataclass(frozen=True)
class UnevenRun:
    """One run; `efficiency` is the jobs' own time by the workers' time between first and last job.

    `best_queue` and `best_batches` are what workers without any overhead would reach with the same
    jobs in the same order: each taking the next, or each waiting for the other's.
    """

    system: str
    seed: int
    efficiency: float
    before_s: float  # from the start of the process to the first job
    between_s: float  # from the start of the first job to the end of the last
    after_s: float  # from the last job to the end of the process
    best_queue: float
    best_batches: float


def measure(
    bench: Bench,
    systems: Sequence[System],
    n_trials: int,
    total_s: float,
    repeats: int,
    say: Callable[[str], None],
) -> Iterator[UnevenRun]:
    """Yield each run when it has ended; each repeat draws other lengths."""
    for seed in range(repeats):
        lengths = draw_lengths(n_trials, total_s, seed)
        for system in systems:
            run = _run(bench, system, seed, lengths)
            say(f"uneven {seed + 1}: {run.system}: efficiency {run.efficiency:.2f}")
            yield run


def draw_lengths(n_trials: int, total_s: float, seed: int) -> list[float]:
    """Seconds of each job: log-normal with a sigma of 1, so that the longest fifth is half of it
    all."""
    dice = random.Random(seed)
    drawn = [dice.lognormvariate(0.0, 1.0) for _ in range(n_trials)]
    return [total_s * length / sum(drawn) for length in drawn]


def _run(bench: Bench, system: System, seed: int, lengths: Sequence[float]) -> UnevenRun:
    with bench.work_folder() as folder:
        journal = folder / "journal.jsonl"
        told = {"BENCHMARK_SECONDS": json.dumps(lengths), "BENCHMARK_JOURNAL": str(journal)}
        measured = bench.run(system, len(lengths), folder, told)
        spans = [(started, ended) for _, started, ended in read_journal(journal)]
    return _describe(system.name, seed, lengths, measured, spans)


def _describe(
    name: str,
    seed: int,
    lengths: Sequence[float],
    measured: Measured,
    spans: Sequence[tuple[float, float]],
) -> UnevenRun:
    first, last = min(started for started, _ in spans), max(ended for _, ended in spans)
    busy = sum(ended - started for started, ended in spans)
    return UnevenRun(
        name,
        seed,
        efficiency=busy / (N_WORKERS * (last - first)),
        before_s=first - measured.started,
        between_s=last - first,
        after_s=measured.ended - last,
        best_queue=sum(lengths) / (N_WORKERS * _queue_s(lengths)),
        best_batches=sum(lengths) / (N_WORKERS * _batches_s(lengths)),
    )


def _queue_s(lengths: Sequence[float]) -> float:
    """How long it takes where a worker that is free takes the next job."""
    free_at = [0.0] * N_WORKERS
    for length in lengths:
        free_at[free_at.index(min(free_at))] += length
    return max(free_at)


def _batches_s(lengths: Sequence[float]) -> float:
    """How long it takes where no job starts before the batch before it has ended."""
    starts = range(0, len(lengths), N_WORKERS)
    return sum(max(lengths[start : start + N_WORKERS]) for start in starts)
