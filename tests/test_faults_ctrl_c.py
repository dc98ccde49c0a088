"""Ctrl-C as a terminal does it, which signals every process of the command: the law holds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import environment
from sweep_helpers import study_of
from sweep_law import assert_as_undisturbed
from test_faults_sweep import WORDS, finish, undisturbed, wait_for_training

__all__ = ["undisturbed"]  # a fixture

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

N_TRIALS = 4


def start_at_terminal(folder: Path, n_workers: int) -> subprocess.Popen:
    """Begin a sweep as a shell does: its processes are a group of their own."""
    command = ["-m", "qa_sweep", "-m", *WORDS, f"hydra.sweeper.n_workers={n_workers}"]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("n_times", [1, 2])
def test_ctrl_c_at_a_terminal_once_and_twice_changes_nothing_in_the_end(
    n_times, n_workers, undisturbed, tmp_path
) -> None:
    sweep = start_at_terminal(tmp_path, n_workers)
    wait_for_training(tmp_path, sweep, n_workers)
    for _ in range(n_times):
        os.killpg(sweep.pid, signal.SIGINT)
        time.sleep(0.2)
    assert sweep.wait(timeout=120 if n_times == 1 else 30) == 130
    output = (tmp_path / "output").read_text()
    assert "Traceback" not in output
    assert "the same command goes on from here" in output
    n_finished = n_workers if n_times == 1 else 0
    states = sorted(trial.state.name for trial in study_of(tmp_path).trials)
    assert states == ["COMPLETE"] * n_finished + ["WAITING"] * (N_TRIALS - n_finished)

    finish(tmp_path, n_workers)
    assert_as_undisturbed(tmp_path, undisturbed)
