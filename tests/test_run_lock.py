"""Whether somebody has a run open, by the lock that Aim keeps of it."""

import os
import time
import uuid
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, in_new_process, repo, start

from qa_sweep.tracking import Outcome
from qa_sweep.tracking.run_lock import is_held

__all__ = ["empty_repo", "repo"]  # fixtures

HERE, ELSEWHERE = uuid.getnode(), uuid.getnode() + 1


def lock(repo: Path, text: str, age_s: float = 0.0) -> bool:
    """Whether the run is held where its lock says so, and was made so long ago."""
    path = repo / ".aim/locks/abc.softlock"
    path.write_text(text)
    os.utime(path, (time.time() - age_s,) * 2)
    return is_held(str(repo), "abc")


def test_a_run_is_held_from_its_opening_to_its_closing(repo) -> None:
    script = """
        import sys, time
        from aim.sdk.run import Run
        run = Run(repo=sys.argv[1], system_tracking_interval=None, capture_terminal_logs=False)
        print(run.hash, flush=True)
        time.sleep(600)
    """
    process = in_new_process(script, str(repo))
    run_hash = process.stdout.readline().strip()
    assert is_held(str(repo), run_hash)
    process.kill()
    process.communicate()
    assert (repo / f".aim/locks/{run_hash}.softlock").exists()
    assert not is_held(str(repo), run_hash)


def test_a_run_that_was_closed_is_not_held(repo) -> None:
    tracker = start(repo)
    tracker.close(Outcome.complete)
    assert not is_held(str(repo), str(tracker.run_hash))


@pytest.mark.parametrize(
    "text",
    [f"{ELSEWHERE}-1-1.0", f"{HERE}-{os.getpid()}-1.0", ""],
    ids=["another machine's", "ours", "empty"],
)
def test_what_cannot_be_told_counts_as_held(repo, text) -> None:
    assert lock(repo, text)


def test_a_process_that_began_after_the_lock_is_another_one(repo) -> None:
    assert not lock(repo, f"{HERE}-{os.getpid()}-1.0", age_s=10**7)


def test_an_empty_lock_is_no_lock_after_a_while(repo) -> None:
    assert not lock(repo, "", age_s=600)
