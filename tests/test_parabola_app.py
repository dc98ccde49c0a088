"""The sweeper serves any Hydra app: here one that looks for a parabola's lowest point."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import yaml
from conftest import PARABOLA, environment
from optuna.trial import TrialState
from sweep_helpers import assert_gone, start, study_of, wait_for


def test_a_grid_finds_the_lowest_point_and_is_not_run_again(parabola, tmp_path) -> None:
    first = parabola("-m", "x=range(0,5)", "y=-2,-1")
    assert first.returncode == 0, first.stderr
    assert "objective 0" in first.stdout
    study = study_of(tmp_path)
    assert study.best_params == {"x": 3, "y": -1}
    assert len(study.trials) == 10

    again = parabola("-m", "x=range(0,5)", "y=-2,-1")
    assert again.returncode == 0
    assert len(study_of(tmp_path).trials) == 10
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]


def test_each_trial_is_a_hydra_job_with_its_own_folder(parabola, tmp_path) -> None:
    parabola("-m", "x=1,2", "offset=7")
    (folder,) = (tmp_path / "results").glob("parabola-*")
    for number, x in enumerate((1, 2)):
        config = yaml.safe_load((folder / str(number) / ".hydra" / "config.yaml").read_text())
        assert (config["x"], config["offset"]) == (x, 7)
    assert yaml.safe_load((folder / "best.yaml").read_text())["params"] == {"x": 2}


def test_a_sweep_killed_in_the_middle_finishes_what_is_missing(parabola, tmp_path) -> None:
    words = ["-m", "x=range(0,6)", "seconds_a_step=0.1"]
    process = subprocess.Popen(
        [sys.executable, str(PARABOLA), *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    wait_for(tmp_path, "2.json", 1)  # the third trial is at work
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = [trial.state for trial in study_of(tmp_path).trials]
    assert TrialState.RUNNING in killed

    assert parabola(*words).returncode == 0
    trials = study_of(tmp_path).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert sorted(trial.params["x"] for trial in trials) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_sweep_that_is_told_to_stop_makes_its_trials_tickets_again(n_workers, tmp_path) -> None:
    process = start(tmp_path, "x=1,2", "seconds_a_step=30", n_workers=n_workers)
    wait_for(tmp_path, "*.json", n_workers)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert {trial.state for trial in study_of(tmp_path).trials} == {TrialState.WAITING}
    assert not list(tmp_path.glob("results/.studies/*/*"))
    assert_gone(tmp_path)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_ctrl_c_finishes_the_trials_at_work_and_takes_no_other(n_workers, tmp_path) -> None:
    process = start(tmp_path, "x=range(0,6)", "seconds_a_step=1.2", n_workers=n_workers)
    wait_for(tmp_path, "*.json", n_workers)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    states = [trial.state for trial in study_of(tmp_path).trials]
    assert states.count(TrialState.COMPLETE) == n_workers
    assert states.count(TrialState.WAITING) == 6 - n_workers
    assert_gone(tmp_path)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_ctrl_c_twice_stops_at_once(n_workers, tmp_path) -> None:
    process = start(tmp_path, "x=1,2", "seconds_a_step=30", n_workers=n_workers)
    wait_for(tmp_path, "*.json", n_workers)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert {trial.state for trial in study_of(tmp_path).trials} == {TrialState.WAITING}
    assert_gone(tmp_path)


def test_several_workers_share_a_grid_out_and_each_point_is_run_once(parabola, tmp_path) -> None:
    result = parabola("-m", "x=range(0,12)", "seconds_a_step=0.05", "hydra.sweeper.n_workers=3")
    assert result.returncode == 0, result.stderr
    trials = study_of(tmp_path).trials
    assert sorted(trial.params["x"] for trial in trials) == list(range(12))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    logs = list(tmp_path.glob("results/*/.workers/*.log"))
    assert len(logs) == 3


def test_a_worker_that_is_killed_is_replaced_and_its_trial_run_again(tmp_path) -> None:
    process = start(tmp_path, "x=range(0,5)", "seconds_a_step=0.3", n_workers=2)
    lease = wait_for(tmp_path, "*.json", 2)[0]
    os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
    assert process.wait(timeout=90) == 0
    trials = study_of(tmp_path).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 5
    assert [trial.user_attrs.get("retries", 0) for trial in trials].count(1) == 1


def test_workers_end_with_the_sweep_that_was_killed_and_the_next_one_goes_on(tmp_path) -> None:
    words = ["x=range(0,6)", "seconds_a_step=0.3"]
    process = start(tmp_path, *words, n_workers=2)
    wait_for(tmp_path, "*.json", 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert_gone(tmp_path)
    assert start(tmp_path, *words, n_workers=2).wait(timeout=90) == 0
    trials = study_of(tmp_path).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6


def test_two_sweeps_started_at_once_share_the_trials_out(tmp_path) -> None:
    words = ["x=range(0,10)", "seconds_a_step=0.1"]
    sweeps = [start(tmp_path, *words), start(tmp_path, *words)]
    assert [sweep.wait(timeout=90) for sweep in sweeps] == [0, 0]
    trials = study_of(tmp_path).trials
    assert sorted(trial.params["x"] for trial in trials) == list(range(10))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


def test_a_trial_that_kills_its_worker_each_time_fails_and_says_so(parabola) -> None:
    result = parabola("-m", "x=1,2", "die_in_job=true", "hydra.sweeper.n_workers=2")
    assert result.returncode == 1
    assert "trial 0 failed: its worker died 3 times" in result.stdout
    assert "no trial of study" in result.stderr


def test_workers_that_die_before_they_work_end_the_sweep_with_the_log_to_look_at(parabola) -> None:
    result = parabola("-m", "x=1,2", "die_as_worker=true", "hydra.sweeper.n_workers=2")
    assert result.returncode == 1
    assert "workers keep dying (the last with exit code 9); see " in result.stderr


def test_a_job_that_fails_does_not_stop_the_sweep(parabola, tmp_path) -> None:
    result = parabola("-m", "x=1,2,3", "fail_at=2")
    assert result.returncode == 0
    assert "trial 1 failed: RuntimeError: x is 2" in result.stdout
    states = [trial.state.name for trial in study_of(tmp_path).trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE"]


def test_a_sweep_without_a_complete_trial_ends_with_an_error(parabola) -> None:
    result = parabola("-m", "x=2", "fail_at=2")
    assert result.returncode == 1
    assert "no trial" in result.stderr
    assert "Traceback" not in result.stderr.split("RuntimeError")[-1]


def test_a_job_may_return_metrics_and_any_may_be_the_objective(parabola, tmp_path) -> None:
    words = ["-m", "x=1,2,7", "as_metrics=true", "hydra.sweeper.objective=distance"]
    assert parabola(*words, "hydra.sweeper.direction=maximize").returncode == 0
    best = study_of(tmp_path).best_trial
    assert best.params == {"x": 7}
    assert best.user_attrs["objective"] == 17.0
    missing = parabola(*words[:-1], "hydra.sweeper.objective=f2")
    assert "must hold the objective f2, but holds objective, distance" in missing.stdout


def test_a_pruned_job_is_a_finished_one(parabola, tmp_path) -> None:
    assert parabola("-m", "x=1,2", "prune_at=2").returncode == 0
    states = [trial.state for trial in study_of(tmp_path).trials]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED]


def test_a_pruner_ends_hopeless_trials_and_spares_the_best(parabola, tmp_path) -> None:
    words = ["-m", "x=3,-20,3.1,20,-30,30,2.9,40", "n_steps=9", "hydra.sweeper.pruner=asha"]
    result = parabola(*words, "+hydra.sweeper.pruner_settings.min_resource=1")
    assert result.returncode == 0, result.stderr
    study = study_of(tmp_path)
    assert study.best_params == {"x": 3}
    pruned = [trial for trial in study.trials if trial.state is TrialState.PRUNED]
    assert len(pruned) >= 3
    assert {-20, 20, -30, 30} & {trial.params["x"] for trial in pruned}
    assert max(len(trial.intermediate_values) for trial in pruned) < 9


def test_a_command_line_value_fixes_a_param_of_the_sweep_file(parabola, tmp_path) -> None:
    words = ["-m", "+hydra.sweeper.params.x='1,2,3'", "+hydra.sweeper.params.y='0,1'", "x=3"]
    assert parabola(*words).returncode == 0
    trials = study_of(tmp_path).trials
    assert [trial.params for trial in trials] == [{"y": 0}, {"y": 1}]
    assert [trial.value for trial in trials] == [1.0, 4.0]


def test_a_study_is_a_plain_optuna_study_in_one_file(parabola, tmp_path) -> None:
    parabola("-m", "x=1,2")
    with sqlite3.connect(tmp_path / "results" / "studies.db") as connection:
        assert connection.execute("select count(*) from trials").fetchone() == (2,)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
