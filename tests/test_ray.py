"""Workers as tasks of a real Ray, which the sweep starts on this machine."""

import json
import signal
from importlib.util import find_spec

import psutil
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
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs qa_sweep[ray]"),
]

NO_DASHBOARD = "+hydra.launcher.ray.init.include_dashboard=false"


def test_a_killed_worker_and_a_killed_task_are_replaced(tmp_path) -> None:
    sweep = start_on("ray", tmp_path, NO_DASHBOARD, "x=range(0,30)", "seconds_a_step=0.3")
    task = worker_at_work(tmp_path).parent()
    worker_at_work(tmp_path).kill()
    assert task is not None
    wait_for(tmp_path, "[5-9].json", 1)
    task.kill()
    assert sweep.wait(timeout=200) == 0, output_of(tmp_path)
    assert n_retried(assert_each_complete_once(tmp_path, 30)) >= 1
    assert_gone(tmp_path)


def test_ctrl_c_finishes_the_trials_at_work(tmp_path) -> None:
    sweep = start_on("ray", tmp_path, NO_DASHBOARD, "x=range(0,8)", "seconds_a_step=2")
    wait_for(tmp_path, "*.json", 2)
    press_ctrl_c(sweep)
    assert sweep.wait(timeout=60) != 0
    assert states_of(tmp_path).count(TrialState.COMPLETE) == 2
    assert states_of(tmp_path).count(TrialState.WAITING) == 6
    assert_gone(tmp_path)


def test_a_sweep_that_is_told_to_stop_leaves_no_worker(tmp_path) -> None:
    sweep = start_on("ray", tmp_path, NO_DASHBOARD, "x=1,2", "seconds_a_step=60")
    wait_for(tmp_path, "*.json", 2)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=60) == 128 + signal.SIGTERM, output_of(tmp_path)
    assert states_of(tmp_path) == [TrialState.WAITING] * 2
    assert_gone(tmp_path)


def test_workers_end_with_the_sweep_that_was_killed(tmp_path) -> None:
    sweep = start_on("ray", tmp_path, NO_DASHBOARD, "x=1,2", "seconds_a_step=60")
    leases = wait_for(tmp_path, "*.json", 2)
    workers = [psutil.Process(json.loads(lease.read_text())["pid"]) for lease in leases]
    sweep.kill()
    # Ray kills what its tasks started, at once: whether a ticket is handed back is left to chance.
    assert psutil.wait_procs(workers, timeout=30)[1] == []


def test_settings_that_ray_refuses_end_the_sweep_with_what_it_says(tmp_path) -> None:
    words = ["-m", "x=1,2", "hydra/launcher=ray", "+hydra.launcher.ray.init.object_store_memory=1"]
    result = run([str(PARABOLA), *words], tmp_path)
    assert result.returncode == 1
    assert "Ray does not start with hydra.launcher.ray.init: " in result.stderr
    assert "Traceback" not in result.stderr
