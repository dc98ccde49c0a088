"""Overhead: what a trial costs that does nothing.

The cost of starting goes away by subtraction: a trial's cost is the difference between two runs of
unlike sizes (numbers of trials), by the difference of their sizes. So sizes 10, 100 and 1000 give
one cost over trials 11 to 100 and another over trials 101 to 1000. Both runs are of one repeat.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sweeper_parts.measuring import Bench
from sweeper_parts.systems import System


@dataclass(frozen=True)
class Run:
    """One run of a system."""

    system: str
    repeat: int
    n_trials: int
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Cost:
    """Milliseconds a trial over the trials `first` to `last`, in one repeat."""

    system: str
    first: int
    last: int
    cpu_ms: float
    wall_ms: float


def measure(
    bench: Bench,
    systems: Sequence[System],
    sizes: Sequence[int],
    repeats: Sequence[int],
    say: Callable[[str], None],
) -> Iterator[Run]:
    """Yield each run when it has ended; each of the `sizes` is run as often as `repeats` says.

    The systems take turns, so that what else the machine does meets all of them alike.
    """
    for system in systems:  # makes environments and fills caches
        with bench.work_folder() as folder:
            bench.run(system, min(sizes), folder)
    for repeat in range(max(repeats)):
        for size, n_repeats in zip(sizes, repeats, strict=True):
            for system in systems if repeat < n_repeats else ():
                with bench.work_folder() as folder:
                    measured = bench.run(system, size, folder)
                run = Run(system.name, repeat, size, measured.cpu_s, measured.wall_s)
                say(
                    f"overhead {repeat + 1}: {size} trials, {run.system}: "
                    f"{run.cpu_s:.1f} CPU s, {run.wall_s:.1f} s"
                )
                yield run


def costs(runs: Sequence[Run]) -> list[Cost]:
    """The cost of a trial between each two neighbouring sizes of one system and repeat."""
    grouped: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.system, run.repeat), []).append(run)
    return [
        _cost(fewer, more)
        for group in grouped.values()
        for fewer, more in pairwise(sorted(group, key=lambda run: run.n_trials))
    ]


def _cost(fewer: Run, more: Run) -> Cost:
    n_trials = more.n_trials - fewer.n_trials
    return Cost(
        more.system,
        fewer.n_trials + 1,
        more.n_trials,
        1000 * (more.cpu_s - fewer.cpu_s) / n_trials,
        1000 * (more.wall_s - fewer.wall_s) / n_trials,
    )
