"""Workers as jobs of Hydra's launchers for one machine: submitit's local one, and joblib."""

import signal
import time
from importlib.util import find_spec

import pytest
from conftest import PARABOLA, run
from disks import Mount, mount, remount
from engine_helpers import (
    assert_each_complete_once,
    n_retried,
    output_of,
    press_ctrl_c,
    start_on,
    states_of,
    worker_at_work,
)
from optuna.trial import TrialState
from sweep_helpers import assert_gone, study_of, wait_for

__all__ = ["mount"]  # a fixture

pytestmark = [
    pytest.mark.launchers,
    pytest.mark.skipif(
        None in (find_spec("submitit"), find_spec("joblib")), reason="needs qa_sweep[slurm,joblib]"
    ),
]

LAUNCHERS = ["submitit_local", "joblib"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_killed_worker_is_replaced_where_it_was(launcher, tmp_path) -> None:
    sweep = start_on(launcher, tmp_path, "x=range(0,8)", "seconds_a_step=0.3")
    worker_at_work(tmp_path).kill()
    assert sweep.wait(timeout=120) == 0, output_of(tmp_path)
    assert n_retried(assert_each_complete_once(tmp_path, 8)) == 1
    assert "ended early" not in output_of(tmp_path)
    assert_gone(tmp_path)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_killed_job_is_launched_again(launcher, tmp_path) -> None:
    sweep = start_on(launcher, tmp_path, "x=range(0,30)", "seconds_a_step=0.3")
    job = worker_at_work(tmp_path).parent()
    assert job is not None
    job.kill()
    assert sweep.wait(timeout=180) == 0, output_of(tmp_path)
    assert_each_complete_once(tmp_path, 30)
    assert "ended early" in output_of(tmp_path)
    assert_gone(tmp_path)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_ctrl_c_in_a_terminal_finishes_the_trials_at_work(launcher, tmp_path) -> None:
    sweep = start_on(launcher, tmp_path, "x=range(0,8)", "seconds_a_step=2")
    wait_for(tmp_path, "*.json", 2)
    press_ctrl_c(sweep)
    assert sweep.wait(timeout=60) != 0
    assert states_of(tmp_path).count(TrialState.COMPLETE) == 2
    assert states_of(tmp_path).count(TrialState.WAITING) == 6
    assert_gone(tmp_path)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_sweep_that_is_told_to_stop_leaves_no_worker(launcher, tmp_path) -> None:
    sweep = start_on(launcher, tmp_path, "x=1,2", "seconds_a_step=60")
    wait_for(tmp_path, "*.json", 2)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=60) == 128 + signal.SIGTERM
    assert states_of(tmp_path) == [TrialState.WAITING] * 2
    assert_gone(tmp_path)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_workers_of_a_killed_sweep_finish_its_work_and_end(launcher, tmp_path) -> None:
    sweep = start_on(launcher, tmp_path, "x=range(0,8)", "seconds_a_step=0.3")
    wait_for(tmp_path, "*.json", 2)
    sweep.kill()
    sweep.wait()
    deadline = time.monotonic() + 90
    while states_of(tmp_path).count(TrialState.COMPLETE) < 8 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert n_retried(assert_each_complete_once(tmp_path, 8)) == 0
    assert_gone(tmp_path)


def test_isolated_trials_have_a_job_each(tmp_path) -> None:
    words = ["x=1,2,3", "as_pid=true", "hydra.sweeper.isolate=true"]
    assert start_on("submitit_local", tmp_path, *words, n_workers=1).wait(timeout=120) == 0
    assert len({trial.value for trial in study_of(tmp_path).trials}) == 3


def test_workers_that_die_at_their_start_end_the_sweep_with_the_log_to_look_at(tmp_path) -> None:
    words = ["-m", "x=1,2", "die_as_worker=true", "hydra/launcher=submitit_local"]
    result = run([str(PARABOLA), *words], tmp_path)
    assert result.returncode == 1
    assert "workers keep dying (StudyError: it keeps dying, the last with exit code 9; see " in (
        result.stderr
    )
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_without_room_ends_the_sweep_and_the_same_command_goes_on(
    launcher, tmp_path, mount: Mount
) -> None:
    """There is room for everything else, as where a checkpoint does not fit."""
    disk = mount(tmp_path / "disk", "20m")
    words = ["x=0,1", "writes_mib=30"]
    assert start_on(launcher, disk, *words).wait(timeout=120) == 1
    (told,) = [line for line in output_of(disk).splitlines() if "its disk is full" in line]
    assert told.endswith("make room, then give the same command again")
    assert "ended early" not in output_of(disk)
    assert_gone(disk)
    assert set(states_of(disk)) == {TrialState.WAITING}

    remount(disk, "size=90m")
    assert start_on(launcher, disk, *words).wait(timeout=120) == 0, output_of(disk)
    assert n_retried(assert_each_complete_once(disk, 2)) == 0
