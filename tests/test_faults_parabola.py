"""Sweeps whose workers, or whole processes, are killed or started twice end as undisturbed ones."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sweep_helpers import start, study_of, wait_for
from sweep_law import assert_as_undisturbed

FEW = ["x=range(0,3)", "y=-2,-1", "seconds_a_step=0.2"]
ODD = ["x=range(0,5)", "y=-2", "waits_at=4"]  # of two workers, one has the last to itself
MANY = ["x=range(0,20)", "y=-2,-1", "seconds_a_step=0.1", "hydra.sweeper.max_retries=20"]
NOBODY = -1


def swept(folder: Path, words: list[str]) -> Path:
    assert start(folder, *words).wait(timeout=120) == 0
    return folder


def begun_beside_undisturbed(folder: Path, words: list[str]) -> tuple[Path, Path, subprocess.Popen]:
    """The folder of a sweep that was left alone, that of one of two workers, and its process."""
    left_alone, begun = folder / "undisturbed", folder / "disturbed"
    left_alone.mkdir()
    begun.mkdir()
    return swept(left_alone, words), begun, start(begun, *words, n_workers=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    return swept(tmp_path_factory.mktemp("few"), FEW)


def at_work(folder: Path) -> list[int]:
    """The processes of the workers that have a trial."""
    pids = []
    for path in folder.glob("results/.studies/*/*.json"):
        try:
            pids.append(json.loads(path.read_text())["pid"])
        except (OSError, ValueError):  # handed back at this moment
            continue
    return pids


def n_finished(folder: Path) -> int:
    return sum(trial.state.is_finished() for trial in study_of(folder).trials)


def wait_until_one_more_is_finished(folder: Path) -> None:
    deadline, before = time.monotonic() + 60, n_finished(folder)
    while n_finished(folder) == before:
        assert time.monotonic() < deadline, "no trial is finished within a minute"
        time.sleep(0.1)


def kill(pid: int) -> bool:
    if pid == NOBODY:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_the_death_of_the_worker_of_the_last_open_trial_is_noticed(tmp_path) -> None:
    """The other finds nothing to take, and must not end before it is finished."""
    undisturbed, folder, sweep = begun_beside_undisturbed(tmp_path, ODD)
    (folder / "wait").touch()
    wait_for(folder, "*.json", 1)
    while n_finished(folder) < 4 or not any(kill(pid) for pid in at_work(folder)):
        assert sweep.poll() is None
        time.sleep(0.05)
    (folder / "wait").unlink()
    assert sweep.wait(timeout=90) == 0
    assert_as_undisturbed(folder, undisturbed)


def test_the_lease_of_a_worker_killed_just_after_its_trial_is_removed(few, tmp_path) -> None:
    assert start(tmp_path, *FEW).wait(timeout=120) == 0
    (folder,) = tmp_path.glob("results/.studies/*/")
    (folder / "3.json").write_text("{}")
    assert start(tmp_path, *FEW).wait(timeout=120) == 0
    assert_as_undisturbed(tmp_path, few)


@pytest.mark.faults
def test_workers_killed_at_twenty_moments_change_nothing(tmp_path) -> None:
    moments = random.Random(1)
    undisturbed, folder, sweep = begun_beside_undisturbed(tmp_path, MANY)
    wait_for(folder, "*.json", 2)
    for index in range(20):
        if index % 3 == 0:  # a sweep whose workers die more often without a result gives up
            wait_until_one_more_is_finished(folder)
        time.sleep(moments.uniform(0, 1.0))
        while not kill(moments.choice(at_work(folder) or [NOBODY])):
            assert sweep.poll() is None, f"it was over after {index} kills"
    assert sweep.wait(timeout=200) == 0
    assert_as_undisturbed(folder, undisturbed)


@pytest.mark.faults
@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_sweep_killed_again_and_again_ends_as_if_it_was_not(n_workers, few, tmp_path) -> None:
    moments = random.Random(n_workers)
    words = [*FEW, "hydra.sweeper.max_retries=4"]  # all may meet the same trial
    for _ in range(4):
        sweep = start(tmp_path, *words, n_workers=n_workers)
        wait_for(tmp_path, "*.json", 1)
        time.sleep(moments.uniform(0, 0.8))
        sweep.kill()
        sweep.wait()
    assert start(tmp_path, *words, n_workers=n_workers).wait(timeout=120) == 0
    assert_as_undisturbed(tmp_path, few)


@pytest.mark.faults
def test_two_sweeps_started_at_once_run_each_trial_once(few, tmp_path) -> None:
    sweeps = [start(tmp_path, *FEW, n_workers=n_workers) for n_workers in (1, 2)]
    assert [sweep.wait(timeout=120) for sweep in sweeps] == [0, 0]
    assert_as_undisturbed(tmp_path, few)
    assert not any("retries" in trial.user_attrs for trial in study_of(tmp_path).trials)


@pytest.mark.faults
@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGINT"], ["SIGINT", "SIGINT"]])
def test_a_sweep_that_was_told_to_stop_goes_on_where_it_was(
    signals, n_workers, few, tmp_path
) -> None:
    sweep = start(tmp_path, *FEW, n_workers=n_workers)
    wait_for(tmp_path, "*.json", n_workers)
    for name in signals:
        sweep.send_signal(signal.Signals[name])
        time.sleep(0.3)
    assert sweep.wait(timeout=30) != 0
    assert not [t for t in study_of(tmp_path).trials if t.state.name == "RUNNING"]
    assert n_finished(tmp_path) < 6
    assert start(tmp_path, *FEW, n_workers=n_workers).wait(timeout=120) == 0
    assert_as_undisturbed(tmp_path, few)
