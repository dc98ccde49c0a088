"""Aim's server killed in the middle of a real sweep: the table of one that is not tracked."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment, run
from sweep_helpers import study_of
from sweep_law import assert_settled, table_of
from test_tracking_servers import Server, server
from tracking_helpers import empty_repo, repo, wait_for

from qa_sweep.tracking import read_runs
from qa_sweep.tracking.settling import unsettled

__all__ = ["empty_repo", "repo", "server"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

SWEEP = [
    "-m", "qa_sweep", "-m",
    "data.n_train=400", "data.n_eval=60", "trainer.epochs=4", "trainer.logging_steps=5",
    "trainer.batch_size=16,32", "trainer.learning_rate=0.004",
    "hydra.sweeper.study_name=tracked",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    folder.mkdir()
    return folder


@pytest.fixture
def untracked(tmp_path: Path) -> Path:
    folder = tmp_path / "untracked"
    folder.mkdir()
    assert run([*SWEEP, "tracking.tracker=off"], folder).returncode == 0
    return folder


def is_trained(repo: Path) -> bool:
    """Whether what a training has said of itself has come to the server."""
    return any(run.status == "running" and run.metrics for run in read_runs(str(repo)))


def test_a_server_killed_in_mid_sweep_changes_no_number_and_gets_all_of_it_later(
    server: Server, repo, folder, untracked
) -> None:
    command = [*SWEEP, f"tracking.repo={server.address}"]
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as sweep:
        wait_for(lambda: is_trained(repo), timeout_s=240)
        server.kill()
        _, errors = sweep.communicate(timeout=240)
    assert sweep.returncode == 0, errors
    lines = errors.splitlines()
    assert len(lines) == 2, "one warning of each trial"
    assert all("Aim tracking is off for this run" in line for line in lines)
    assert table_of(folder) == table_of(untracked)
    assert_settled(folder)
    assert len(unsettled(folder / "results" / "tracked")) == 2

    server.start()
    assert run(command, folder).returncode == 0
    assert table_of(folder) == table_of(untracked)
    assert unsettled(folder / "results" / "tracked") == []
    runs = read_runs(str(repo))
    assert [run.status for run in runs] == ["complete"] * 2
    hashes = {trial.user_attrs["aim_run"] for trial in study_of(folder).trials}
    assert {run.hash for run in runs} == hashes
