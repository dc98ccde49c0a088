"""How much longer a sweep takes whose workers are killed; see README.md.

    python benchmarks/disturbed.py --to measured                 # the embedded grid of six, 3 kills
    python benchmarks/disturbed.py --kills 1 --repeats 3 data.n_train=600

Runs `python -m qa_sweep -m` with two workers, left alone and with workers that are killed (-9) in
the midst of their trainings, by turns, and compares the tables: they must be the same. A kill comes
at a random moment of as many equal parts of the sweep's usual time as there are kills.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from series import Series, interruptible

WAYS = ("undisturbed", "disturbed")
HERE = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("settings", nargs="*", help="settings and overrides of the sweep")
    parser.add_argument("--kills", type=int, default=3, help="workers killed a sweep")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--to", type=Path, default=Path("measured"), help="folder for the figures")
    options = parser.parse_intermixed_args()
    if options.kills < 1:
        parser.error(f"--kills must be at least 1, but is {options.kills}")
    series = Series(
        options.to / "disturbed.jsonl", {"settings": options.settings, "kills": options.kills}
    )
    repeats = range(options.repeats)
    for repeat in repeats:
        series.take(repeat, WAYS[0], partial(measure, options.settings, []))
        usual_s = (series.found(repeat, WAYS[0]) or {})[WAYS[0]]["wall_s"]
        kills = moments(repeat, options.kills, usual_s)
        series.take(repeat, WAYS[1], partial(measure, options.settings, kills))
        print(series.what_is_left(WAYS, repeats), flush=True)
    show(series.whole(WAYS, repeats))


def moments(seed: int, n_kills: int, usual_s: float) -> list[float]:
    """Seconds after the sweep's start, one in each of `n_kills` equal parts of its usual time."""
    draws = random.Random(seed)
    part_s = usual_s / n_kills
    return [(index + draws.random()) * part_s for index in range(n_kills)]


def measure(settings: Sequence[str], kills: Sequence[float]) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="disturbed-") as folder:
        started = time.monotonic()
        sweep = start(Path(folder), settings)
        try:
            n_killed = sum(kill_one(Path(folder), sweep, started + moment) for moment in kills)
            code = sweep.wait()
        except BaseException:
            sweep.terminate()
            sweep.wait()
            raise
        wall_s = time.monotonic() - started
        if code != 0:
            sys.exit(f"{(Path(folder) / 'output').read_text()}\nthe sweep exited with {code}")
        found = {"wall_s": wall_s, "n_killed": n_killed, "table": table(Path(folder))}
        return {WAYS[bool(kills)]: found}


def start(folder: Path, settings: Sequence[str]) -> subprocess.Popen[bytes]:
    words = ["-m", "qa_sweep", "-m", "hydra.sweeper.n_workers=2", "hydra.sweeper.max_retries=20"]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *words, *settings],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": HERE, "QA_SWEEP_CACHE": "off", "HF_HUB_OFFLINE": "1"},
            stdout=output,
            stderr=output,
        )


def kill_one(folder: Path, sweep: subprocess.Popen[bytes], at: float) -> bool:
    """Kill a worker that trains, at that moment or as soon as there is one; False if none was."""
    time.sleep(max(0.0, at - time.monotonic()))
    while sweep.poll() is None:
        for path in folder.glob("results/.studies/*/*.json"):
            try:
                lease = json.loads(path.read_text())
                if lease["progress"]["step"] > 0:
                    os.kill(lease["pid"], signal.SIGKILL)
                    return True
            except (OSError, ValueError):  # it has ended at this moment
                continue
        time.sleep(0.05)
    return False


def table(folder: Path) -> list[Any]:
    """Each trial's params and value, to the last digit."""
    import optuna

    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    return sorted([sorted(trial.params.items()), trial.values] for trial in trials)


def show(pairs: Sequence[dict[str, dict[str, Any]]]) -> None:
    for pair in pairs:
        if pair[WAYS[0]]["table"] != pair[WAYS[1]]["table"]:
            sys.exit("the tables must be the same, but differ")
    ratios = [pair[WAYS[1]]["wall_s"] / pair[WAYS[0]]["wall_s"] for pair in pairs]
    for way in WAYS:
        print(f"{way:12} {statistics.median(pair[way]['wall_s'] for pair in pairs):8.1f} s")
    n_killed = [pair[WAYS[1]]["n_killed"] for pair in pairs]
    print(
        f"ratio        {statistics.median(ratios):8.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"{min(n_killed)} to {max(n_killed)} workers killed, the same table each time"
    )


if __name__ == "__main__":
    interruptible(main)
