"""What the tests of tracking share."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import RunTracker, TrackedRun, open_tracker, read_runs


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


def start(repo: Path, run_hash: str | None = None, **settings) -> RunTracker:
    config = TrackingConfig(repo=str(repo), **settings)
    return open_tracker(config, experiment="study", run_name="trial 7", run_hash=run_hash)


def only_run(repo: Path) -> TrackedRun:
    (run,) = read_runs(str(repo))
    return run


def in_new_process(script: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    pipe = subprocess.PIPE
    root = str(Path(__file__).parent.parent)
    environ = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environ)


def occurs(text: str, repo: Path) -> bool:
    """Whether `text` is in any file of the repo, or in what the reader finds in it."""
    files = [path.read_bytes() for path in repo.rglob("*") if path.is_file()]
    return any(text.encode() in content for content in files) or text in repr(read_runs(str(repo)))
