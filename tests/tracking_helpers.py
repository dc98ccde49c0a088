"""What the tests of tracking share."""

import logging
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qa_sweep.config import TrackingConfig
from qa_sweep.errors import OutputError
from qa_sweep.tracking import (
    AnsweredQuestion,
    NullTracker,
    Outcome,
    RunTracker,
    Subset,
    TrackedRun,
    open_tracker,
    read_runs,
)

REPORTS = [
    AnsweredQuestion("When?", "A passage.", "1984", "1984", f1=1.0, exact_match=1.0),
    AnsweredQuestion("Who?", "Another.", "Lee", "Ann Lee", 0.67, 0.0, source="held-out"),
    AnsweredQuestion("Where?", "A passage.", "Rome", "Oslo", f1=0.0, exact_match=0.0),
    AnsweredQuestion("Why?", "A passage.", "No", None),
]


@pytest.fixture(scope="module")
def empty_repo(tmp_path_factory) -> Path:
    """An empty repo to copy: Aim takes seconds to make one."""
    from qa_sweep.tracking.aim_repo import make_repo

    folder = tmp_path_factory.mktemp("empty")
    make_repo(folder)
    return folder / ".aim"


@pytest.fixture
def repo(tmp_path, empty_repo) -> Path:
    shutil.copytree(empty_repo, tmp_path / ".aim")
    return tmp_path


def start(
    repo: Path | str, run_hash: str | None = None, folder: Path | None = None, **settings
) -> RunTracker:
    """Track a run in `folder`, or in one beside the repo."""
    return open_tracker(
        TrackingConfig(repo=str(repo), **settings),
        experiment="study",
        run_name="trial 7",
        folder=folder or Path(repo) / "runs" / "7",
        run_hash=run_hash,
    )


def fits(repo: Path | str | None, folder: Path, n_steps: int = 300) -> list[float]:
    """Losses of a real training of a line, tracked in `repo` or, without one, not at all."""
    import torch

    tracker = NullTracker() if repo is None else start(repo, folder=folder)
    torch.manual_seed(0)
    x = torch.rand(64, 1)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for step in range(n_steps):
        loss = (model(x) - 3 * x - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        tracker.track({"loss": losses[-1]}, step=step, epoch=None, subset=Subset.train)
        time.sleep(0.001)
    tracker.close(Outcome.complete)
    return losses


def report(tracker: RunTracker) -> None:
    """Report some of everything."""
    tracker.set_params({"hparams": {"a": 1, "b": [1.5, None]}, "data": {"name": "x"}})
    for step in range(300):
        subset = Subset.eval if step % 10 == 0 else Subset.train
        tracker.track(
            {"loss": 1 / (step + 1), "lr": 0.1}, step=step, epoch=step / 10, subset=subset
        )
        if step % 30 == 0:
            logging.getLogger("report").warning("step %d", step)
    tracker.track_questions(
        [
            AnsweredQuestion(f"question {n}", "c", f"a{n}", "r", n / 10, float(n == 9))
            for n in range(10)
        ]
    )
    tracker.set_params({"best": {"loss": 0.25}})


def comparable(run: TrackedRun) -> dict:
    """What is the same of two runs that report the same."""
    return {
        "status": run.status,
        "tags": run.tags,
        "names": (run.name, run.experiment),
        "params": {name: run.params[name] for name in run.params if name != "__system_params"},
        "metrics": run.metrics,
        "texts": sorted(run.texts),
        "logs": [line.split(" - ")[-1] for line in run.logs if "[report]" in line],
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, empty_repo) -> dict:
    """What is in the repo after `report`, when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(empty_repo, folder / ".aim")
    tracker = start(folder)
    report(tracker)
    tracker.close(Outcome.complete)
    found = comparable(only_run(folder))
    assert len(found["metrics"]) == 4
    assert len(found["texts"]) == 40
    assert len(found["logs"]) == 10
    return found


def stored(repo: Path, run_hash: str, name: str, context: dict) -> list[tuple[int, float, float]]:
    """Step, value and time of each point of a metric, as they lie in the repo."""
    from aim.storage.context import Context

    from qa_sweep.tracking.reader import open_tree

    series = open_tree(repo / ".aim" / "seqs" / "chunks" / run_hash)
    place = ("seqs", "v2", "chunks", run_hash, Context(context).idx, name)
    arrays = [dict(series.subtree(place).array(key).items()) for key in ("step", "val", "time")]
    return sorted(tuple(array[key] for array in arrays) for key in arrays[0])


def only_run(repo: Path) -> TrackedRun:
    (run,) = read_runs(str(repo))
    return run


def wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """A repo that is not there yet is waited for too."""
    deadline = time.monotonic() + timeout_s
    while not is_so_by_now(condition):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def is_so_by_now(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except OutputError:  # there is no repo, or no table in it
        return False


def holds(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


def in_new_process(script: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    pipe = subprocess.PIPE
    root = str(Path(__file__).parent.parent)
    environ = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environ)


def occurs(text: str, repo: Path) -> bool:
    """Whether `text` is in any file of the repo, or in what the reader finds in it."""
    files = [path.read_bytes() for path in repo.rglob("*") if path.is_file()]
    return any(text.encode() in content for content in files) or text in repr(read_runs(str(repo)))
