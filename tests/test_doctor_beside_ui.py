"""While a real `aim up` is open: its index is read and left to it, and runs are mended."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from doctor_helpers import make_run, make_study, make_trial, study_of
from optuna.trial import TrialState
from tracking_helpers import empty_repo, repo, wait_for

from qa_sweep.doctor import main
from qa_sweep.tracking import Outcome, read_runs, read_summaries
from qa_sweep.tracking.index import read_index, ui_process
from qa_sweep.tracking.ui import aim_ui

__all__ = ["empty_repo", "repo"]  # fixtures


@pytest.fixture
def ui(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The process group of an `aim up` on the repo in the working directory."""
    monkeypatch.chdir(repo)
    make_study(Outcome.complete)
    command = [str(Path(sys.executable).parent / "aim"), "up", "-y", "-p", str(free_port())]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


def is_indexed(run_hash: str, status: str) -> bool:
    found = read_index(".", [run_hash]).get(run_hash)
    return found is not None and found.status == status


def test_runs_are_read_and_mended_and_the_index_stays_the_uis(ui: int, capsys) -> None:
    (first,) = (run.hash for run in read_runs("."))
    wait_for(lambda: is_indexed(first, "complete"), timeout_s=120)
    wait_for(lambda: ui_process(".") is not None)

    wrong = make_run("s", 1, Outcome.complete)
    study_of("s").add_trial(make_trial(wrong, TrialState.FAIL))
    doubled = make_run("s", 0)
    assert main(["--repair", "--yes"]) == 1
    said = capsys.readouterr().out
    assert f"Aim's UI is open (process {ui_process('.')})" in said
    assert f"failed, but run {wrong} is complete" in said
    assert "to delete runs, close Aim's UI" in said
    assert len(read_runs(".")) == 3

    # The UI's indexer is alive: it takes up what was mended, and what comes later.
    wait_for(lambda: is_indexed(wrong, "failed"), timeout_s=120)
    wait_for(lambda: is_indexed(doubled, "complete"), timeout_s=120)
    later = make_run("", 2, Outcome.diverged)
    wait_for(lambda: is_indexed(later, "diverged"), timeout_s=120)


def test_runs_are_read_whole_while_they_are_written_and_indexed(ui: int, caplog) -> None:
    writing = threading.Thread(
        target=lambda: [make_run("", number) for number in range(1, 9)], daemon=True
    )
    writing.start()
    while writing.is_alive():
        read_runs(".")
        read_summaries(".")
    assert "cannot be read" not in caplog.text
    closed = [run for run in read_runs(".") if run.status == "complete"]
    assert len(closed) == 9
    assert all(run.last["f1", "eval"] >= 50 for run in closed)
    for run in closed:
        wait_for(lambda: is_indexed(run.hash, "complete"), timeout_s=120)  # noqa: B023


def test_a_ui_of_ours_is_seen_as_long_as_it_is_open(repo: Path) -> None:
    assert ui_process(str(repo)) is None
    with aim_ui(str(repo), free_port()):
        assert ui_process(str(repo)) is not None
    wait_for(lambda: ui_process(str(repo)) is None)
