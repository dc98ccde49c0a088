"""Workers as jobs of a real Slurm, which `.ci/slurm` starts; SLURM_CONF says where it is."""

import os
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import PARABOLA, run
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
from sweep_helpers import assert_gone, wait_for

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(find_spec("submitit") is None, reason="needs qa_sweep[slurm]"),
    pytest.mark.skipif("SLURM_CONF" not in os.environ, reason="needs Slurm: .ci/slurm"),
]

SLURM = "submitit_slurm"


def test_a_killed_worker_and_a_cancelled_job_are_replaced(tmp_path) -> None:
    sweep = start_on(SLURM, tmp_path, "x=range(0,16)", "seconds_a_step=0.4")
    worker_at_work(tmp_path).kill()
    ask("scancel", jobs_of(tmp_path)[0])
    assert sweep.wait(timeout=240) == 0, output_of(tmp_path)
    assert n_retried(assert_each_complete_once(tmp_path, 16)) >= 1
    assert len(jobs_of(tmp_path)) == 3
    assert_queue_empty(tmp_path)


def test_a_job_that_is_preempted_goes_back_into_the_queue(tmp_path) -> None:
    sweep = start_on(SLURM, tmp_path, "x=range(0,12)", "seconds_a_step=0.4")
    wait_for(tmp_path, "*.json", 2)
    job = jobs_of(tmp_path)[0]
    ask("scancel", "--signal=USR2", job)
    assert sweep.wait(timeout=120) == 0, output_of(tmp_path)
    assert_each_complete_once(tmp_path, 12)
    assert len(jobs_of(tmp_path)) == 2
    assert "REQUEUED" in ask("sacct", "--duplicates", "--jobs", job, "--format=State")
    assert_queue_empty(tmp_path)  # its turn had not come again when all was done


def test_a_job_whose_turn_has_not_come_does_not_keep_the_sweep_waiting(tmp_path) -> None:
    all_cpus = ask("sinfo", "--noheader", "--format=%c").strip()
    words = ["x=range(0,4)", f"hydra.launcher.cpus_per_task={all_cpus}"]
    assert start_on(SLURM, tmp_path, *words).wait(timeout=120) == 0, output_of(tmp_path)
    assert_each_complete_once(tmp_path, 4)
    assert len(jobs_of(tmp_path)) == 2
    assert_queue_empty(tmp_path)


def test_ctrl_c_finishes_the_trials_at_work(tmp_path) -> None:
    sweep = start_on(SLURM, tmp_path, "x=range(0,8)", "seconds_a_step=2")
    wait_for(tmp_path, "*.json", 2)
    press_ctrl_c(sweep)
    assert sweep.wait(timeout=60) != 0
    assert states_of(tmp_path).count(TrialState.COMPLETE) == 2
    assert states_of(tmp_path).count(TrialState.WAITING) == 6
    assert_queue_empty(tmp_path)


def test_a_sweep_that_is_told_to_stop_leaves_no_worker_and_no_job(tmp_path) -> None:
    sweep = start_on(SLURM, tmp_path, "x=1,2", "seconds_a_step=60")
    wait_for(tmp_path, "*.json", 2)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=60) == 128 + signal.SIGTERM
    assert states_of(tmp_path) == [TrialState.WAITING] * 2
    assert_gone(tmp_path)
    assert_queue_empty(tmp_path)


def test_a_sweep_that_is_told_to_stop_while_it_launches_leaves_no_job(tmp_path) -> None:
    sweep = start_on(SLURM, tmp_path, "x=1,2", "seconds_a_step=60", n_workers=4)
    while not jobs_of(tmp_path):
        time.sleep(0.01)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=90) == 128 + signal.SIGTERM
    assert_queue_empty(tmp_path)
    assert_gone(tmp_path)


def test_jobs_of_a_killed_sweep_go_on_and_another_sweep_joins_them(tmp_path) -> None:
    words = ["x=range(0,16)", "seconds_a_step=0.5"]
    sweep = start_on(SLURM, tmp_path, *words)
    wait_for(tmp_path, "*.json", 2)
    sweep.kill()
    sweep.wait()
    assert len(queued(tmp_path)) == 2
    assert start_on(SLURM, tmp_path, *words).wait(timeout=120) == 0, output_of(tmp_path)
    assert n_retried(assert_each_complete_once(tmp_path, 16)) == 0


def test_settings_that_slurm_refuses_end_the_sweep_with_what_it_says(tmp_path) -> None:
    words = ["-m", "x=1,2", f"hydra/launcher={SLURM}", "hydra.launcher.partition=nowhere"]
    result = run([str(PARABOLA), *words], tmp_path)
    assert result.returncode == 1
    assert "invalid partition specified: nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def jobs_of(folder: Path) -> list[str]:
    """The ids of the jobs that the sweep in `folder` has given to Slurm."""
    scripts = folder.glob("results/*/.workers/*/.submitit/*/*/*_submission.sh")
    return sorted(script.parent.name for script in scripts)


def queued(folder: Path) -> set[str]:
    """Those of them that wait or run."""
    return set(jobs_of(folder)) & set(ask("squeue", "--noheader", "--format=%A").split())


def assert_queue_empty(folder: Path) -> None:
    """After a moment: a job that has ended is shown for a while."""
    deadline = time.monotonic() + 20
    while left := queued(folder):
        assert time.monotonic() < deadline, f"jobs are left: {left}"
        time.sleep(0.5)


def ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
