"""Profile of a run: where the time of one warm trial goes, with what the sweeper does around it.

    python benchmarks/profile_run.py                               # the embedded data, small
    python benchmarks/profile_run.py data.n_train=6000 tracking=aim

Runs a sweep in this process; the last of its trials is profiled, from the end of the one before.
Seconds are those of the processor. The profiler makes calls of Python dearer than they are, and
sees neither other threads nor waiting: it shows where to look, not how much is won there. Settings
are those of a run, in Hydra's spelling.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from qa_sweep import cli

SMALL = ["data.n_train=1600", "data.n_eval=400", "trainer.epochs=1", "tracking=off"]

Function = tuple[str, int, str]  # file, line and name
Times = tuple[float, float, int]  # seconds in it alone, with what it calls, and calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3, help="all but the last warm up")
    parser.add_argument("--top", type=int, default=20, help="rows of a table")
    parser.add_argument("settings", nargs="*", help="NAME=VALUE of the run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        profile = profile_last_trial(options.trials, options.settings, folder)
    console = Console(width=None if sys.stdout.isatty() else 120)
    for table in tables(times_of(profile), options.top):
        console.print(table)


def profile_last_trial(n_trials: int, settings: list[str], folder: str) -> cProfile.Profile:
    profile = cProfile.Profile(time.thread_time)  # what else the machine does is no part of it
    n_left = n_trials

    def task(config: DictConfig) -> dict[str, float]:
        nonlocal n_left
        metrics = cli.task(config)
        n_left -= 1
        if n_left == 1:
            profile.enable()
        elif n_left == 0:
            profile.disable()
        return metrics

    for name in ("check", "warm_up", "begin", "end"):  # as the sweeper knows them
        setattr(task, name, getattr(cli, name))
    sweep = ["sweeps=none", f"hydra.sweep.dir={folder}/results", f"seed=range(0,{n_trials})"]
    given = {setting.partition("=")[0] for setting in settings}
    small = [setting for setting in SMALL if setting.partition("=")[0] not in given]
    sys.argv = [sys.argv[0], "-m", *small, f"tracking.repo={folder}", *sweep, *settings]
    cli.register_schema()
    conf = str(cli.conf_folder())
    hydra.main(version_base="1.3", config_path=conf, config_name="config")(task)()
    return profile


def times_of(profile: cProfile.Profile) -> dict[Function, Times]:
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return {function: (own, whole, calls) for function, (_, calls, own, whole, _) in stats.items()}


def tables(times: dict[Function, Times], n_rows: int) -> Iterator[Table]:
    total = sum(own for own, _, _ in times.values())
    by_package: dict[str, float] = defaultdict(float)
    for function, (own, _, _) in times.items():
        by_package[package_of(function)] += own
    packages = [((name,), seconds) for name, seconds in by_package.items()]
    yield _table("by package, s in its own functions", ["package"], packages, total, n_rows)
    ours = [(shown(f), whole) for f, (_, whole, _) in times.items() if package_of(f) == "qa_sweep"]
    title = "our functions, s with all that they call"
    yield _table(title, ["function", "where"], ours, total, n_rows)
    all_of_them = [
        ((*shown(function), f"{calls:,}"), own) for function, (own, _, calls) in times.items()
    ]
    title = "all functions, s in themselves"
    yield _table(title, ["function", "where", "calls"], all_of_them, total, n_rows)


def package_of(function: Function) -> str:
    """`torch` for what is built into it too, and `Python` for its own library."""
    file, _, name = function
    if file == "~":
        return "torch" if "torch" in name else "Python, built in"
    parts = Path(file).parts
    for place in ("site-packages", "dist-packages"):
        if place in parts:
            return parts[parts.index(place) + 1].removesuffix(".py")
    return "qa_sweep" if "qa_sweep" in parts else "Python"


def shown(function: Function) -> tuple[str, str]:
    file, line, name = function
    return name, "" if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line}"


def _table(
    title: str,
    columns: list[str],
    rows: list[tuple[tuple[str, ...], float]],
    total: float,
    n_rows: int,
) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    table.add_column("s", justify="right")
    table.add_column("share", justify="right")
    for cells, seconds in sorted(rows, key=lambda row: -row[1])[:n_rows]:
        table.add_row(*cells, f"{seconds:.3f}", f"{seconds / total:.1%}")
    return table


if __name__ == "__main__":
    main()
