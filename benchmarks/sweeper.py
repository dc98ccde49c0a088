"""What a sweep costs beside its jobs, ours and others' on the same objective; see README.md."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sweeper_parts import overhead, pruning, tables, uneven
from sweeper_parts.measuring import Bench
from sweeper_parts.systems import OVERHEAD, UNEVEN, System

PARTS = ("overhead", "uneven", "pruning")

_WIDTH_OF_FILES = 130  # so that tables stay legible in a log


class Benchmark:
    """The chosen parts; keeps every run in the JSON file as soon as it has ended."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        self._console = console
        self._bench = Bench(options.folder.resolve())
        self._overhead = _chosen(OVERHEAD, options.systems)
        self._uneven = _chosen(UNEVEN, options.systems)
        self._runs: dict[str, list[Any]] = {part: [] for part in options.parts}

    def run(self) -> None:
        started_with_load = os.getloadavg()
        for part in self._options.parts:
            for run in self._measure(part):
                self._runs[part].append(run)
                self._save(started_with_load)

    def tables(self) -> Iterator[Table]:
        """A table for each part."""
        runs = self._runs
        if "overhead" in runs:
            yield tables.overhead_table(self._overhead, runs["overhead"])
        if "uneven" in runs:
            yield tables.uneven_table(self._uneven, runs["uneven"])
        if "pruning" in runs:
            yield tables.pruning_table(runs["pruning"])

    def _measure(self, part: str) -> Iterator[Any]:
        options, say = self._options, self._console.print
        if part == "overhead":
            sizes = [options.few, *options.trials]
            repeats = [max(options.repeats), *_one_each(options.repeats, options.trials)]
            return overhead.measure(self._bench, self._overhead, sizes, repeats, say)
        n_repeats = max(options.repeats)
        if part == "uneven":
            return uneven.measure(
                self._bench, self._uneven, options.jobs, options.seconds, n_repeats, say
            )
        return pruning.measure(self._bench, options.points, n_repeats, say)

    def _save(self, load: tuple[float, float, float]) -> None:
        content = {
            "machine": {
                "cores": len(os.sched_getaffinity(0)),
                "platform": platform.platform(),
                "load_at_start": load,
            },
            "options": {name: _plain(value) for name, value in vars(self._options).items()},
            "versions": self._bench.versions(),
            **{part: [asdict(run) for run in runs] for part, runs in self._runs.items()},
            "overhead_costs": [asdict(c) for c in overhead.costs(self._runs.get("overhead", []))],
        }
        self._options.output.write_text(json.dumps(content, indent=1))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--systems", nargs="+", default=[""], help="only those whose name contains one of these")
    add("--repeats", nargs="+", type=int, default=[3], help="one number, or one for each of trials")
    add("--trials", nargs="+", type=int, default=[100, 1000], help="overhead: sizes of a sweep")
    add("--few", type=int, default=10, help="overhead: the size that stands for starting")
    add("--jobs", type=int, default=24, help="uneven: number of jobs")
    add("--seconds", type=float, default=40.0, help="uneven: length of all jobs together")
    add("--points", type=int, default=27, help="pruning: points of the grid")
    add("--output", type=Path, default=Path("sweeper-benchmark.json"))
    cache = Path(tempfile.gettempdir()) / "qa-sweep-benchmark"
    add("--folder", type=Path, default=cache, help=f"environments, kept; default {cache}")
    options = parser.parse_args()
    if len(options.repeats) not in (1, len(options.trials)):
        parser.error(f"--repeats takes 1 number or {len(options.trials)}, one for each of --trials")
    return options


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    benchmark = Benchmark(read_options(), console)
    benchmark.run()
    for table in benchmark.tables():
        console.print(table)


def _chosen(systems: Sequence[System], texts: Sequence[str]) -> list[System]:
    return [system for system in systems if any(text in system.name for text in texts)]


def _one_each(repeats: list[int], trials: list[int]) -> list[int]:
    return repeats * len(trials) if len(repeats) == 1 else repeats


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    main()
