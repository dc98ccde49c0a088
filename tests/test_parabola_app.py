"""The sweeper serves any Hydra app: here one that looks for a parabola's lowest point."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
import yaml
from conftest import PARABOLA, environment
from optuna.trial import TrialState


def study_of(folder: Path) -> optuna.Study:
    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


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
    (folder,) = (path for path in (tmp_path / "results").iterdir() if path.is_dir())
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
    wait_for_complete_trials(tmp_path, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = [trial.state for trial in study_of(tmp_path).trials]
    assert TrialState.RUNNING in killed

    assert parabola(*words).returncode == 0
    trials = study_of(tmp_path).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert sorted(trial.params["x"] for trial in trials) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_trial_becomes_a_ticket_again(stop, parabola, tmp_path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(PARABOLA), "-m", "x=1,2", "seconds_a_step=30"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_lease(tmp_path)
    process.send_signal(stop)
    assert process.wait(timeout=30) != 0
    assert {trial.state for trial in study_of(tmp_path).trials} == {TrialState.WAITING}
    assert not list(tmp_path.glob("results/*/.leases/*"))


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


def wait_for_complete_trials(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            done = [t for t in study_of(folder).trials if t.state is TrialState.COMPLETE]
            if len(done) >= count:
                return
        except Exception:  # noqa: BLE001 - the study is being made
            pass
        time.sleep(0.1)
    raise TimeoutError(f"no {count} complete trials within a minute")


def wait_for_lease(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.glob("results/*/.leases/*.json")):
        assert time.monotonic() < deadline, "no trial was started within a minute"
        time.sleep(0.05)
    time.sleep(0.3)
    os.sync()
