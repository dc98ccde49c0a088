"""What share of a sweep's time is not training or evaluation; see README.md.

    python benchmarks/sweep_share.py --to measured            # the embedded grid of six, four ways
    python benchmarks/sweep_share.py --workers 1 --repeats 5
    python benchmarks/sweep_share.py data.n_train=600         # other settings of the sweep

Runs `python -m qa_sweep -m` in fresh folders, with one worker and with two, each first with an
empty cache of windows and then with that which the first has left, and reads what the trials say of
themselves. Seconds are those of all workers together: two of them have twice the sweep's wall time.
What is in the folder after --to is not measured again: the same command goes on where it was.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import processes
from series import Series, interruptible

PARTS = {
    "steps": "training steps",
    "evaluations": "evaluations of the held-out questions",
    "in trials": "the rest of the trials: model, checkpoints, files, tracking, question set",
    "between trials": "composing the next job, telling the study",
    "starting": "until a worker's first trial: imports, data, windows",
    "ending": "after a worker's last trial: waiting for the others, views, the table",
}
WORK = ("steps", "evaluations")
CACHES = ("cold", "warm")


@dataclass(frozen=True)
class Sweep:
    """One measured sweep; `seconds` by part, of all workers together."""

    n_workers: int
    cache: str  # cold or warm
    wall_s: float
    seconds: dict[str, float]

    @property
    def share(self) -> float:
        """Of the time, what is no work, in percent."""
        total = sum(self.seconds.values())
        return 100 * (1 - sum(self.seconds[part] for part in WORK) / total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("settings", nargs="*", help="settings and overrides of the sweep")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--to", type=Path, default=Path("measured"), help="folder for the figures")
    options = parser.parse_intermixed_args()
    series = Series(options.to / "share.jsonl", {"settings": options.settings})
    names = {f"{n_workers} worker(s)": n_workers for n_workers in options.workers}
    repeats = range(options.repeats)
    for repeat in repeats:  # by turns, so that what else goes on meets all alike
        for name, n_workers in names.items():
            if not series.is_taken(repeat, name):
                series.take(repeat, name, partial(measure, n_workers, options.settings))
                print(f"{name}: {series.what_is_left(list(names), repeats)}", flush=True)
    for name in names:
        for cache in CACHES:
            show([Sweep(**found[cache]) for found in series.whole([name], repeats)])


def measure(n_workers: int, settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A sweep with an empty cache, and one with the windows that it has left there."""
    with tempfile.TemporaryDirectory(prefix="sweep-share-") as folder:
        cache = Path(folder) / "cache"
        return {c: asdict(run(Path(folder) / c, cache, n_workers, settings)) for c in CACHES}


def run(folder: Path, cache: Path, n_workers: int, settings: Sequence[str]) -> Sweep:
    command = [sys.executable, "-m", "qa_sweep", "-m", f"hydra.sweeper.n_workers={n_workers}"]
    here = str(Path(__file__).resolve().parent.parent)
    variables = {"QA_SWEEP_CACHE": str(cache), "PYTHONPATH": here}
    started = datetime.now()
    cost = processes.measure([*command, *settings], folder, variables)
    found = parts(folder, n_workers, started, started + timedelta(seconds=cost.wall_s))
    return Sweep(n_workers, folder.name, cost.wall_s, found)


def parts(folder: Path, n_workers: int, started: datetime, ended: datetime) -> dict[str, float]:
    """Where the workers' seconds went; each of them has worked on at least one trial."""
    import optuna

    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    records = [read_timing(folder / "results" / name / str(trial.number)) for trial in trials]
    starts = sorted(trial.datetime_start for trial in trials)
    ends = sorted(trial.datetime_complete for trial in trials)
    in_trials = sum(
        (trial.datetime_complete - trial.datetime_start).total_seconds() for trial in trials
    )
    found = {
        "steps": sum(record["step_seconds"] for record in records),
        "evaluations": sum(record["evaluation_seconds"] for record in records),
        "starting": sum((start - started).total_seconds() for start in starts[:n_workers]),
        "ending": sum((ended - end).total_seconds() for end in ends[-n_workers:]),
    }
    found["in trials"] = in_trials - found["steps"] - found["evaluations"]
    total = n_workers * (ended - started).total_seconds()
    found["between trials"] = total - found["starting"] - found["ending"] - in_trials
    return {part: found[part] for part in PARTS}


def read_timing(folder: Path) -> dict[str, Any]:
    timing: dict[str, Any] = json.loads((folder / "result.json").read_text())["timing"]
    return timing


def show(sweeps: Sequence[Sweep]) -> None:
    """The median of each part, and its least and greatest."""
    first = sweeps[0]
    print(f"\n{first.n_workers} worker(s), {first.cache} cache, {len(sweeps)} sweep(s)")
    print(line("wall time of the sweep", [sweep.wall_s for sweep in sweeps], "s"))
    for part, what in PARTS.items():
        print(line(f"{part}: {what}", [sweep.seconds[part] for sweep in sweeps], "s"))
    print(line("outside steps and evaluations", [sweep.share for sweep in sweeps], "%"))


def line(title: str, values: Sequence[float], unit: str) -> str:
    spread = f"({min(values):.1f} to {max(values):.1f})"
    return f"  {title:90}{statistics.median(values):8.1f} {unit} {spread}"


if __name__ == "__main__":
    interruptible(main)
