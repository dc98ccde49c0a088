"""What it costs to start local workers, forked of one process that imports for all, or each anew.

    python benchmarks/worker_start.py                  # two workers, and a process for each trial
    python benchmarks/worker_start.py --repeats 5 --output worker_start.json

Short sweeps in fresh folders, by turns with `hydra.sweeper.share_imports` and without it, whose
windows were prepared before. Seconds are wall time, but for "CPU": that of all processes. Memory is
the proportional share (PSS) of all processes of the sweep, where a page that n of them share counts
for each as an n-th.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import psutil

SMALL = ["sweeps=none", "trainer.epochs=1", "data.n_train=64", "data.n_eval=32", "seed=range(0,4)"]
WAYS = {
    "2 workers": ["hydra.sweeper.n_workers=2"],
    "isolated": ["hydra.sweeper.isolate=true"],
}
SHARING = ("true", "false")
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--output", type=Path, help="JSON file for all figures")
    options = parser.parse_args()
    found: dict[str, list[Figures]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="worker-start-") as folder:
        cache = Path(folder) / "cache"
        run(Path(folder) / "first", cache, ["hydra.sweeper.n_workers=1"])
        for repeat in range(options.repeats):
            for way in options.ways:
                for sharing in SHARING:
                    settings = [*WAYS[way], f"hydra.sweeper.share_imports={sharing}"]
                    place = Path(folder) / f"{way}-{sharing}-{repeat}"
                    found[f"{way}, share_imports={sharing}"].append(run(place, cache, settings))
                    if options.output:
                        options.output.write_text(json.dumps(found, indent=1))
    for name, figures in found.items():
        show(name, figures)


def run(folder: Path, cache: Path, settings: Sequence[str]) -> Figures:
    """Run the sweep in `folder`. Raises CalledProcessError where it fails."""
    folder.mkdir()
    here = str(Path(__file__).resolve().parent.parent)
    cpu_before, started = cpu_of_children(), datetime.now()
    process = subprocess.Popen(
        [sys.executable, "-m", "qa_sweep", "-m", *SMALL, *settings],
        cwd=folder,
        env={**os.environ, "QA_SWEEP_CACHE": str(cache), "PYTHONPATH": here},
        stdout=subprocess.DEVNULL,
    )
    memory = Memory(process.pid)
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return {
        **times(folder, started),
        "CPU s of the sweep": cpu_of_children() - cpu_before,
        "MiB at most": memory.finish(),
    }


def times(folder: Path, started: datetime) -> Figures:
    """What the study says: when workers had their first trial, and the time between trials."""
    import optuna

    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    spans = sorted((trial.datetime_start, trial.datetime_complete) for trial in trials)
    gaps = [(after[0] - before[1]).total_seconds() for before, after in pairwise(spans)]
    found = {"s to the first trial": (spans[0][0] - started).total_seconds()}
    if min(gaps) < 0:  # they overlap: each of two workers has one
        return found | {"s to the second worker's": (spans[1][0] - started).total_seconds()}
    return found | {"s from a trial's end to the next one's start": statistics.median(gaps)}


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Memory:
    """Looks now and then, in a thread, how much memory a process and those below it take."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._most_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def finish(self) -> float:
        """Return the most that was seen, in MiB."""
        self._ended.set()
        self._thread.join()
        return self._most_bytes / 2**20

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            with suppress(psutil.Error):  # it has ended since
                processes = [self._process, *self._process.children(recursive=True)]
                self._most_bytes = max(self._most_bytes, sum(map(pss, processes)))


def pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has ended since
        return 0


def show(name: str, figures: Sequence[Figures]) -> None:
    """The median of each figure, and its least and greatest."""
    print(f"\n{name}, {len(figures)} sweep(s)")
    for quantity in figures[0]:
        values = [each[quantity] for each in figures]
        spread = f"({min(values):.1f} to {max(values):.1f})"
        print(f"  {quantity:50}{statistics.median(values):8.1f} {spread}")


if __name__ == "__main__":
    main()
