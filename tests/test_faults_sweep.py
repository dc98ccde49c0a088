"""Real trainings, killed and stopped: the sweep ends with the table of an undisturbed one."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import environment
from sweep_helpers import study_of
from sweep_law import assert_as_undisturbed

from qa_sweep.checkpoints import SEAL_FILE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

# Long enough for each trial to be hit, in trainings and evaluations.
WORDS = [
    "data.n_train=400",
    "data.n_eval=60",
    "trainer.epochs=4",
    "trainer.logging_steps=5",
    "trainer.batch_size=16,32",
    "trainer.learning_rate=0.004,0.0004",
    "hydra.sweeper.max_retries=20",
]


def start(folder: Path, n_workers: int = 1) -> subprocess.Popen:
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "qa_sweep",
                "-m",
                *WORDS,
                f"hydra.sweeper.n_workers={n_workers}",
            ],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=output,
        )


def finish(folder: Path, n_workers: int = 1) -> None:
    assert start(folder, n_workers).wait(timeout=400) == 0, (folder / "output").read_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(folder)
    return folder


def training(folder: Path) -> dict[int, dict]:
    """The leases of the trials whose training goes on, by number; not of workers just killed."""
    found = {}
    for path in folder.glob("results/.studies/*/*.json"):
        try:
            lease = json.loads(path.read_text())
        except (OSError, ValueError):  # handed back at this moment
            continue
        if lease["progress"]["step"] > 0 and psutil.pid_exists(lease["pid"]):
            found[int(path.stem)] = lease
    return found


def wait_for_training(folder: Path, sweep: subprocess.Popen, count: int = 1) -> dict[int, dict]:
    deadline = time.monotonic() + 300
    while len(found := training(folder)) < count:
        assert sweep.poll() is None, "it was over before it was disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def workers(sweep: subprocess.Popen) -> list[psutil.Process]:
    """The worker processes, whatever they are at: the children of the template."""
    with suppress(psutil.NoSuchProcess):
        templates = psutil.Process(sweep.pid).children()
        return [worker for template in templates for worker in template.children()]
    return []


def n_finished(folder: Path) -> int:
    return sum(trial.state.is_finished() for trial in study_of(folder).trials)


def wait_until_finished(folder: Path, sweep: subprocess.Popen, count: int) -> None:
    deadline = time.monotonic() + 300
    while n_finished(folder) < count:
        assert sweep.poll() is None, "it was over before it was disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def checkpoints(folder: Path, number: int | str = "*") -> list[int]:
    """The steps of which a trial has a whole checkpoint."""
    return sorted(
        int(path.parent.name.partition("-")[2])
        for path in folder.glob(f"results/*/{number}/checkpoints/checkpoint-*/{SEAL_FILE}")
    )


@pytest.mark.parametrize("seed", range(2))
def test_workers_killed_at_any_moment_change_nothing(seed, undisturbed, tmp_path) -> None:
    """Five moments a sweep: one whose workers die oftener without a result gives up."""
    moments = random.Random(seed)
    sweep = start(tmp_path, n_workers=2)
    for _ in range(5):
        time.sleep(moments.uniform(0, 2))
        found = wait_for_training(tmp_path, sweep)
        os.kill(moments.choice([*found.values()])["pid"], signal.SIGKILL)
    assert sweep.wait(timeout=400) == 0, (tmp_path / "output").read_text()
    assert_as_undisturbed(tmp_path, undisturbed)


def test_workers_killed_whatever_they_are_at_change_nothing(undisturbed, tmp_path) -> None:
    """Also as they start, prepare, evaluate, save, or have just ended a trial."""
    moments = random.Random(3)
    sweep = start(tmp_path, n_workers=2)
    for index in range(10):
        if index == 5:  # a sweep whose workers die oftener without a result gives up
            wait_until_finished(tmp_path, sweep, 1)
        time.sleep(moments.uniform(0, 2))
        while not (found := workers(sweep)):
            assert sweep.poll() is None, f"it was over after {index} kills"
        moments.choice(found).kill()
    assert sweep.wait(timeout=400) == 0, (tmp_path / "output").read_text()
    assert_as_undisturbed(tmp_path, undisturbed)


def test_a_worker_that_is_stopped_is_ended_and_its_run_goes_on(undisturbed, tmp_path) -> None:
    """It would hold the files of its run as long as it is there; it ages for a minute."""
    sweep = start(tmp_path, n_workers=2)
    lease = next(iter(wait_for_training(tmp_path, sweep).values()))
    os.kill(lease["pid"], signal.SIGSTOP)
    assert sweep.wait(timeout=400) == 0, (tmp_path / "output").read_text()
    assert not psutil.pid_exists(lease["pid"])
    assert_as_undisturbed(tmp_path, undisturbed)


def test_a_sweep_killed_three_times_goes_on_each_time(undisturbed, tmp_path) -> None:
    moments, n_workers = random.Random(2), 2
    for _ in range(3):
        sweep = start(tmp_path, n_workers)
        wait_for_training(tmp_path, sweep)
        time.sleep(moments.uniform(0, 2))
        sweep.kill()
        sweep.wait()
    finish(tmp_path, n_workers)
    assert_as_undisturbed(tmp_path, undisturbed)


def test_the_same_sweep_started_twice_at_once_runs_each_trial_once(undisturbed, tmp_path) -> None:
    sweeps = [start(tmp_path), start(tmp_path)]
    assert [sweep.wait(timeout=400) for sweep in sweeps] == [0, 0]
    assert_as_undisturbed(tmp_path, undisturbed)
    assert not any("retries" in trial.user_attrs for trial in study_of(tmp_path).trials)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_sigterm_leaves_a_whole_checkpoint_of_the_last_step(
    n_workers, undisturbed, tmp_path
) -> None:
    sweep = start(tmp_path, n_workers)
    found = wait_for_training(tmp_path, sweep, n_workers)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=30) == 128 + signal.SIGTERM
    states = [trial.state.name for trial in study_of(tmp_path).trials]
    assert "RUNNING" not in states
    for number, lease in found.items():
        assert checkpoints(tmp_path, number)[-1] >= lease["progress"]["step"]
    finish(tmp_path, n_workers)
    assert_as_undisturbed(tmp_path, undisturbed)


def test_ctrl_c_finishes_the_trial_at_work_and_leaves_the_others(undisturbed, tmp_path) -> None:
    sweep = start(tmp_path)
    wait_for_training(tmp_path, sweep)
    sweep.send_signal(signal.SIGINT)
    assert sweep.wait(timeout=60) == 130
    states = [trial.state.name for trial in study_of(tmp_path).trials]
    assert sorted(states) == ["COMPLETE"] + ["WAITING"] * 3
    assert checkpoints(tmp_path) == []
    finish(tmp_path)
    assert_as_undisturbed(tmp_path, undisturbed)


def test_ctrl_c_twice_stops_at_once_and_goes_on_from_the_last_checkpoint(
    undisturbed, tmp_path
) -> None:
    sweep = start(tmp_path)
    wait_for_training(tmp_path, sweep)
    for _ in range(2):
        sweep.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert sweep.wait(timeout=30) == 130
    assert [trial.state.name for trial in study_of(tmp_path).trials] == ["WAITING"] * 4
    finish(tmp_path)
    assert_as_undisturbed(tmp_path, undisturbed)
