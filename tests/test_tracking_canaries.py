"""Secrets that lie around where a run starts are in nothing that it leaves."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import environment
from tracking_helpers import holds, wait_for

from qa_sweep.tracking import read_runs

SMALL = ["data.n_train=200", "data.n_eval=40", "trainer.epochs=1"]
CANARY = "canary7f3a"
ENVIRON = {
    "OPTUNA_STORAGE": f"postgresql://me:{CANARY}-storage@host/db",
    "DATABASE_URL": f"mysql://me:{CANARY}-p@ss@host/db",
    "PGPASSWORD": f"{CANARY}-pg",
    "MY_API_KEY": f"{CANARY}-key",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws",
    "GCP_CREDENTIALS": f"{CANARY}-credentials",
    "HF_TOKEN": f"hf_{CANARY}",
    "http_proxy": f"http://me:{CANARY}-proxy@localhost:9",
    "HARMLESS": f"{CANARY}-environment",
}
URL = f"postgresql://me:{CANARY}-url@host/db"

# A program of the user's own that is told secrets, logs them, and dies of one.
PROGRAM = f"""
import logging, os, sys
from pathlib import Path
from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import Outcome, Subset, open_tracker
repo = sys.argv[1]
config = TrackingConfig(repo=repo)
tracker = open_tracker(config, experiment="e", run_name="r", folder=Path("runs/1"))
tracker.set_params({{"study": {{"storage": {URL!r}}}}})
for name, value in os.environ.items():
    if name.isupper() and name != "HARMLESS":
        logging.warning("%s=%s", name, value)
        logging.warning("of a variable: %s", value)
logging.warning("cannot reach %s", {URL!r})
logging.warning("password authentication failed with {CANARY}-p@ss")
tracker.track({{"loss": 1.0}}, step=1, epoch=None, subset=Subset.train)
print("tracked", flush=True)
sys.stdin.readline()
tracker.close(Outcome.failed, "OperationalError: cannot reach {URL}")
"""


@pytest.fixture
def workplace(tmp_path) -> Path:
    """A folder in a git repository whose remote holds a login."""
    config = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    remote = f"https://me:{CANARY}-git@example.com/x.git"
    for words in (
        ["init", "--quiet"],
        [*config, "commit", "--quiet", "--allow-empty", "-m", "first"],
        ["remote", "add", "origin", remote],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def start(folder: Path, *words: str) -> subprocess.Popen:
    pipe = subprocess.PIPE
    environ = {**environment(), **ENVIRON}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environ,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def files_with_canary(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert files
    return [path for path in files if CANARY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "words", [[], ["-m", "trainer.batch_size=16", "trainer.learning_rate=0.004"]]
)
def test_a_run_leaves_no_secret_anywhere(words, workplace):
    process = start(workplace, "-m", "qa_sweep", *words, *SMALL)
    listed = set()
    while process.poll() is None:
        listed |= command_lines(process.pid)
        time.sleep(0.05)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert listed
    assert CANARY not in repr(listed)
    assert CANARY not in output + errors
    assert files_with_canary(workplace) == []
    (run,) = read_runs(str(workplace))
    assert run.status == "complete"
    assert CANARY not in repr(run)
    git = run.params["__system_params"]["git_info"]
    assert len(git["commit"]["hash"]) == 40
    assert git["branch"]
    assert git["has_uncommitted_changes"] is False


def command_lines(pid: int) -> set[tuple[str, ...]]:
    """As the process list shows them to everybody."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return {tuple(member.cmdline()) for member in family}
    except psutil.Error:
        return set()


@pytest.mark.parametrize("is_writable", [True, False])
def test_neither_repo_nor_spool_holds_a_secret_that_a_program_says(workplace, is_writable):
    repo = workplace / "repo"
    if not is_writable:
        repo.write_text("not a folder")
    process = start(workplace, "-c", PROGRAM, str(repo), f"--password={CANARY}-argument")
    assert process.stdout is not None
    assert process.stdout.readline() == "tracked\n"
    spool = workplace / "runs" / "1" / "tracking.jsonl"
    wait_for(lambda: holds(spool, "authentication"))
    assert files_with_canary(workplace) == []  # while it is at work, too
    process.communicate("\n", timeout=60)
    assert files_with_canary(workplace) == []
    assert spool.exists() is not is_writable
    if is_writable:
        (run,) = read_runs(str(repo))
        assert CANARY not in repr(run)
        assert "postgresql://***@host/db" in run.params["error"]


def test_the_canaries_are_found_where_they_are(tmp_path):
    (tmp_path / "file").write_text(os.linesep.join(ENVIRON.values()))
    assert files_with_canary(tmp_path) == [tmp_path / "file"]
