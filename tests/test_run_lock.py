"""Whether somebody has a run open, by the lock that ends with the process."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, in_new_process, repo, start

from qa_sweep.tracking import Outcome
from qa_sweep.tracking.run_lock import is_held

__all__ = ["empty_repo", "repo"]  # fixtures

SCRIPT = """
    import sys, time
    from aim.sdk.run import Run
    run = Run(repo=sys.argv[1], system_tracking_interval=None, capture_terminal_logs=False)
    print(run.hash, flush=True)
    time.sleep(600)
"""
ELSEWHERE = "1-1-1.0"  # machine, process and time as Aim writes them


@pytest.fixture
def holder(repo) -> Iterator[tuple[subprocess.Popen, str]]:
    """A process that has a run open, and the run's hash."""
    process = in_new_process(SCRIPT, str(repo))
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def lock_of(repo: Path, run_hash: str) -> Path:
    return repo / f".aim/locks/{run_hash}.softlock"


def test_a_run_is_held_until_its_process_is_dead(repo, holder) -> None:
    process, run_hash = holder
    assert is_held(str(repo), run_hash)
    process.kill()
    process.wait()
    assert lock_of(repo, run_hash).exists()
    assert not is_held(str(repo), run_hash)


def test_whatever_machine_aims_lock_names_the_process_decides(repo, holder) -> None:
    """As in a container that was made anew, with another network address."""
    process, run_hash = holder
    lock_of(repo, run_hash).write_text(ELSEWHERE)
    os.utime(lock_of(repo, run_hash), (0.0, 0.0))
    assert is_held(str(repo), run_hash)
    process.kill()
    process.wait()
    assert not is_held(str(repo), run_hash)


def test_a_run_that_was_closed_is_not_held(repo) -> None:
    tracker = start(repo)
    tracker.close(Outcome.complete)
    assert not is_held(str(repo), str(tracker.run_hash))


def test_a_lock_without_a_run_holds_nothing(repo) -> None:
    lock_of(repo, "abc").write_text(ELSEWHERE)
    assert not is_held(str(repo), "abc")


def test_what_cannot_be_told_counts_as_held(repo) -> None:
    lock_of(repo, "abc").write_text(ELSEWHERE)
    (repo / ".aim/meta/chunks/abc/LOCK").mkdir(parents=True)
    assert is_held(str(repo), "abc")
