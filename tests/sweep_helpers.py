"""Sweeps of the parabola app as processes of their own, to be watched and killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
from conftest import PARABOLA, environment


def study_of(folder: Path) -> optuna.Study:
    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def wait_for(folder: Path, pattern: str, count: int) -> list[Path]:
    """Wait until `count` files of the study match `pattern`."""
    deadline = time.monotonic() + 60
    while len(found := list(folder.glob(f"results/.studies/*/{pattern}"))) < count:
        assert time.monotonic() < deadline, f"no {count} × {pattern} within a minute"
        time.sleep(0.05)
    time.sleep(0.3)  # for the job to begin
    return found


def start(
    folder: Path, *words: str, n_workers: int = 1, stderr: int = subprocess.DEVNULL
) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(PARABOLA), "-m", *words, f"hydra.sweeper.n_workers={n_workers}"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


def assert_gone(folder: Path) -> None:
    """No process of the sweep in `folder` is left, after a moment to end in."""
    deadline = time.monotonic() + 20
    while left := [p.pid for p in psutil.process_iter() if works_in(p, folder)]:
        assert time.monotonic() < deadline, f"processes are left: {left}"
        time.sleep(0.1)


def works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.cwd() == str(folder)
    except psutil.Error:
        return False
