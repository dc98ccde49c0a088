"""Time to open, query and summarise an Aim repo of many runs, in our code and in Aim's.

    python benchmarks/tracked_runs.py --counts 100 1000 --output tracked_runs.json

Makes repos of so many runs with qa_sweep's own tracker, in a temporary folder that is removed in
the end (1,000 runs take some minutes and 700 MB). Each reading then has a process of its own, which
reads twice; the second time counts, and of several such times the median. `growth` is the time of
the largest repo by that of the smallest, divided by the ratio of their runs: 1 is linear.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

N_TRAIN_STEPS = 100
N_EVALUATIONS = 5
N_QUESTIONS = 8
EXPERIMENT = "tracked"

Seconds = list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make the repos; kept if given")
    parser.add_argument("--output", type=Path, help="JSON file for all times")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracked-runs-") as temporary:
        folder = options.folder or Path(temporary)
        times = measure({n: folder / str(n) for n in sorted(options.counts)}, options.repeats)
    show(times)
    if options.output is not None:
        options.output.write_text(json.dumps(times, indent=2) + "\n")


def measure(folders: dict[int, Path], repeats: int) -> dict[int, dict[str, Seconds]]:
    """Seconds of each way to read the repo of so many runs; repos that are missing are made.

    The repos take turns, so that what else goes on on the machine meets all of them alike.
    """
    for count, folder in folders.items():
        if not folder.exists():
            print(f"making {count} runs in {folder}", flush=True)
            in_process(make_runs, folder, count)
    times: dict[int, dict[str, Seconds]] = {count: defaultdict(list) for count in folders}
    for name, way in WAYS.items():
        print(f"reading: {name}", flush=True)
        for _, (count, folder) in product(range(repeats), folders.items()):
            times[count][name].append(in_process(timed, way, folder, count))
    for count, folder in folders.items():
        times[count]["megabytes"].append(megabytes(folder))
    return times


def in_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns in a new process, so that nothing is open from before."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def timed(way: Callable[[str], int], folder: Path, count: int) -> float:
    """Seconds of a second reading, for the first one imports and fills the disk's cache."""
    way(str(folder))
    started = time.perf_counter()
    found = way(str(folder))
    seconds = time.perf_counter() - started
    assert found == count, f"{found} runs of {count}"
    return seconds


def make_runs(folder: Path, count: int) -> None:
    from qa_sweep.config import TrackingConfig
    from qa_sweep.tracking import AnsweredQuestion, Outcome, Subset, open_tracker

    config = TrackingConfig(repo=str(folder), system_interval_s=3600)
    question = AnsweredQuestion("Who?", "A passage. " * 40, "Ann", "Ann Lee", f1=0.5)
    for number in range(count):
        tracker = open_tracker(
            config,
            experiment=EXPERIMENT,
            run_name=f"{EXPERIMENT}/{number}",
            folder=folder / "results" / str(number),
        )
        tracker.set_params(
            {
                "hparams": {"learning_rate": 10.0 ** -(number % 5), "seed": number},
                "study": {"name": EXPERIMENT, "trial": number},
                "best": {"f1": 80 + number % 10, "loss": 1.0},
            }
        )
        for step in range(N_TRAIN_STEPS):
            metrics = {"loss": 3.0 - step / 100, "learning_rate": 1e-3, "grad_norm": 1.0}
            tracker.track(metrics, step=step, epoch=step / 50, subset=Subset.train)
        for step in range(N_EVALUATIONS):
            metrics = {"loss": 2.0, "f1": 80.0 + step, "exact_match": 70.0}
            tracker.track(metrics, step=20 * step, epoch=float(step), subset=Subset.eval)
        tracker.track_questions([question] * N_QUESTIONS)
        tracker.close(Outcome.complete)


def summaries(repo: str) -> int:
    """All runs by their best F1, as a table would show them."""
    from qa_sweep.tracking import read_summaries

    runs = [run for run in read_summaries(repo, EXPERIMENT) if run.status == "complete"]
    ranked = sorted(runs, key=lambda run: run.params["best"]["f1"])
    assert all(run.last["f1", "eval"] == 84.0 for run in ranked)
    return len(ranked)


def all_of_it(repo: str) -> int:
    """Each point, text and log line of all runs."""
    from qa_sweep.tracking import read_runs

    runs = read_runs(repo, EXPERIMENT)
    assert all(len(run.metrics["loss", "train"]) == N_TRAIN_STEPS for run in runs)
    return len(runs)


def indexing(repo: str) -> int:
    """Aim's index, made anew."""
    from qa_sweep.tracking.index import index_runs
    from qa_sweep.tracking.reader import read_names, repo_folder

    hashes = [row.hash for row in read_names(repo_folder(repo))]
    assert index_runs(repo, hashes) == []
    return len(hashes)


def aim_by_index(repo: str) -> int:
    """Aim's own way, once the runs are indexed: status, params and last values of all."""
    from aim.sdk.repo import Repo

    return summarise_by_aim(Repo(repo))


def aim_by_union(repo: str) -> int:
    """Aim's own containers, without the index: the same of all runs."""
    from aim.sdk.repo import ContainerConfig, Repo
    from aim.storage.union import RocksUnionContainer

    opened = Repo(repo)
    runs = RocksUnionContainer(os.path.join(opened.path, "meta"), read_only=True)
    place = ContainerConfig("meta", None, True)
    opened.persistent_pool[place] = opened.container_pool[place] = runs
    return summarise_by_aim(opened)


def summarise_by_aim(repo: Any) -> int:
    runs = [run for run in repo.iter_runs() if run.get("status") == "complete"]
    ranked = sorted(runs, key=lambda run: run["best"]["f1"])
    assert all(run.meta_run_tree.collect("traces") for run in ranked)
    return len([run.name for run in ranked])


WAYS: dict[str, Callable[[str], int]] = {
    "our summaries": summaries,
    "all of it, by us": all_of_it,
    "Aim without its index": aim_by_union,
    "making Aim's index": indexing,
    "Aim with its index": aim_by_index,
}


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def show(times: dict[int, dict[str, Seconds]]) -> None:
    """A row a way: seconds for each number of runs, and how they grow."""
    counts = sorted(times)
    titles = [*(f"{count} runs" for count in counts), "growth"]
    print(" " * 24 + "".join(title.rjust(14) for title in titles))
    for name in next(iter(times.values())):
        medians = [statistics.median(times[count][name]) for count in counts]
        growth = medians[-1] / medians[0] * counts[0] / counts[-1]
        cells = [f"{median:14.2f}" for median in medians]
        print(f"{name:24}{''.join(cells)}{growth:14.2f}")


if __name__ == "__main__":
    main()
