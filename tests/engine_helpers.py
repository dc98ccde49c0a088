"""Sweeps whose workers are jobs of a Hydra launcher."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from conftest import PARABOLA, environment
from optuna.trial import FrozenTrial, TrialState
from sweep_helpers import study_of, wait_for


def start_on(
    launcher: str, folder: Path, *words: str, n_workers: int = 2
) -> subprocess.Popen[bytes]:
    """Start a sweep as a terminal does: with its children in a process group of its own."""
    settings = [f"hydra/launcher={launcher}", f"hydra.sweeper.n_workers={n_workers}"]
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, str(PARABOLA), "-m", *words, *settings],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def output_of(folder: Path) -> str:
    return (folder / "output").read_text()


def worker_at_work(folder: Path) -> psutil.Process:
    """The process of a worker that has a trial."""
    lease = wait_for(folder, "*.json", 1)[0]
    return psutil.Process(json.loads(lease.read_text())["pid"])


def press_ctrl_c(sweep: subprocess.Popen[bytes]) -> None:
    """As a terminal does: each process of the group gets the signal."""
    os.killpg(sweep.pid, signal.SIGINT)


def states_of(folder: Path) -> list[TrialState]:
    return [trial.state for trial in study_of(folder).trials]


def assert_each_complete_once(folder: Path, n_points: int) -> list[FrozenTrial]:
    """Each of the points `x=0, 1, …` has one trial, which is complete."""
    trials = study_of(folder).trials
    assert sorted(trial.params["x"] for trial in trials) == list(range(n_points))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    return trials


def n_retried(trials: list[FrozenTrial]) -> int:
    return sum(trial.user_attrs.get("retries", 0) > 0 for trial in trials)
