"""What a sweep does beyond working a grid off: limits, known points, conditions, a dry run."""

import json
import signal

import pytest
from optuna.trial import TrialState
from sweep_helpers import start, study_of, wait_for


def states(folder) -> list[str]:
    return [trial.state.name for trial in study_of(folder).trials]


def test_a_dry_run_shows_each_trial_and_leaves_nothing_behind(parabola, tmp_path) -> None:
    result = parabola("-m", "x=7,8", "y=5,6", "hydra.sweeper.dry_run=true")
    assert result.returncode == 0, result.stderr
    assert "4 trials would run" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines() if line.strip()[:1].isdigit()]
    assert rows == [["0", "7", "5"], ["1", "7", "6"], ["2", "8", "5"], ["3", "8", "6"]]
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_search_draws_what_the_search_will_draw(parabola, tmp_path) -> None:
    words = ["-m", "x=interval(0,1)", "hydra.sweeper.n_trials=12"]
    planned = parabola(*words, "hydra.sweeper.dry_run=true").stdout
    assert "and 2 more" in planned
    assert parabola(*words).returncode == 0
    drawn = [trial.params["x"] for trial in study_of(tmp_path).trials]
    shown = [float(line.split()[1]) for line in planned.splitlines() if line.strip()[:1].isdigit()]
    assert all(abs(a - b) < 1e-3 for a, b in zip(shown, drawn, strict=False))
    assert len(shown) == 10


def test_a_dry_run_shows_only_what_is_missing_and_refuses_another_space(parabola) -> None:
    words = ["-m", "x=1,2,3", "hydra.sweeper.study_name=one"]
    parabola(*words, "fail_at=2")
    missing = parabola(*words, "fail_at=2", "hydra.sweeper.dry_run=true").stdout
    assert "study one (known): 1 trial would run" in missing
    other = parabola("-m", "x=1,2", "hydra.sweeper.study_name=one", "hydra.sweeper.dry_run=true")
    assert other.returncode == 1
    assert "made with other settings" in other.stderr


def test_known_points_come_first_and_count(parabola, tmp_path) -> None:
    points = "hydra.sweeper.enqueue=[{x: 0.25, y: 0.5}, {x: 0.75}]"
    words = ["x=interval(0,1)", "y=interval(0,1)", "hydra.sweeper.n_trials=3"]
    assert parabola("-m", *words, points).returncode == 0
    first, second, _ = (trial.params for trial in study_of(tmp_path).trials)
    assert first == {"x": 0.25, "y": 0.5}
    assert second["x"] == 0.75
    assert 0 <= second["y"] <= 1
    again = parabola("-m", *words, points, "hydra.sweeper.n_trials=4")
    assert again.returncode == 0
    assert [trial.params["x"] for trial in study_of(tmp_path).trials].count(0.25) == 1


def test_a_known_point_outside_of_the_space_is_refused(parabola, tmp_path) -> None:
    result = parabola("-m", "x=1,2", "hydra.sweeper.enqueue=[{x: 3}]")
    assert result.returncode == 1
    assert "hydra.sweeper.enqueue" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_param_under_a_condition_is_part_of_a_trial_only_where_it_is_met(
    parabola, tmp_path
) -> None:
    condition = '+hydra.sweeper.conditions={y: "x=2"}'
    assert parabola("-m", "x=1,2", "y=5,6", condition).returncode == 0
    trials = study_of(tmp_path).trials
    assert [trial.params for trial in trials] == [{"x": 1}, {"x": 2, "y": 5}, {"x": 2, "y": 6}]
    assert [trial.value for trial in trials] == [4 + 1, 1 + 36, 1 + 49]  # y is 0 where not swept


@pytest.mark.parametrize(("x", "n_trials"), [(1, 1), (2, 2)])
def test_a_condition_on_a_fixed_param_holds_or_does_not(x, n_trials, parabola) -> None:
    condition = '+hydra.sweeper.conditions={y: "x=2"}'
    planned = parabola("-m", "y=5,6", "x=1,2", f"x={x}", condition, "hydra.sweeper.dry_run=true")
    assert f"(new): {n_trials} trial" in planned.stdout


def test_a_search_of_a_finite_space_takes_no_point_twice(parabola, tmp_path) -> None:
    words = ["x=range(0,4)", "y=0,1", "hydra.sweeper.sampler=tpe", "hydra.sweeper.n_trials=20"]
    assert parabola("-m", *words, "hydra.sweeper.n_workers=2").returncode == 0
    points = [tuple(trial.params.values()) for trial in study_of(tmp_path).trials]
    assert sorted(points) == [(x, y) for x in range(4) for y in (0, 1)]


def test_no_progress_ends_a_study_for_good(parabola, tmp_path) -> None:
    words = ["-m", "x=3,4,5,6,7", "hydra.sweeper.patience=2"]
    for _ in range(2):
        result = parabola(*words)
        assert result.returncode == 0, result.stderr
        assert "stopped: no better trial in the last 2" in result.stdout
        assert states(tmp_path) == ["COMPLETE"] * 3 + ["WAITING"] * 2


def test_time_over_ends_a_sweep_and_the_next_one_goes_on(parabola, tmp_path) -> None:
    words = ["-m", "x=range(0,40)", "seconds_a_step=0.3", "hydra.sweeper.timeout=4"]
    for n_workers in (1, 2):
        result = parabola(*words, f"hydra.sweeper.n_workers={n_workers}")
        assert "stopped: 4.0 s are over" in result.stdout, result.stderr
        assert 0 < states(tmp_path).count("COMPLETE") < 40
        assert "RUNNING" not in states(tmp_path)


def test_the_first_failure_may_end_the_sweep(parabola, tmp_path) -> None:
    result = parabola("-m", "x=1,2,3", "fail_at=2", "hydra.sweeper.on_failure=stop")
    assert result.returncode == 1
    assert "was stopped: trial 1 failed (RuntimeError: x is 2)" in result.stderr
    assert states(tmp_path) == ["COMPLETE", "FAIL", "WAITING"]


def test_failures_that_are_all_alike_end_the_sweep_early(parabola, tmp_path) -> None:
    result = parabola("-m", "x=range(0,8)", "fail_at=any")
    assert result.returncode == 1
    assert "the first 3 trials all failed alike (RuntimeError: x is 0)" in result.stderr
    assert states(tmp_path) == ["FAIL"] * 3 + ["WAITING"] * 5
    assert parabola("-m", "x=range(0,8)", "fail_at=any").returncode == 1
    assert states(tmp_path).count("FAIL") == 6


def test_an_infeasible_trial_is_not_tried_again(parabola, tmp_path) -> None:
    for _ in range(2):
        result = parabola("-m", "x=1,2", "infeasible_at=2")
        assert result.returncode == 0, result.stderr
        assert "infeasible" in result.stdout
        assert states(tmp_path) == ["COMPLETE", "FAIL"]


def test_isolated_trials_have_a_process_each(parabola, tmp_path) -> None:
    assert parabola("-m", "x=1,2,3", "as_pid=true", "hydra.sweeper.isolate=true").returncode == 0
    assert len({trial.value for trial in study_of(tmp_path).trials}) == 3


def test_several_objectives_are_pruned_by_the_chosen_one(parabola, tmp_path) -> None:
    words = ["-m", "x=3,-20,20,-30,30", "n_steps=9", "as_metrics=true", "hydra.sweeper.pruner=asha"]
    result = parabola(
        *words,
        "hydra.sweeper.objective=[distance,objective]",
        "hydra.sweeper.direction=[maximize,minimize]",
        "hydra.sweeper.pruner_objective=objective",
        "+hydra.sweeper.pruner_settings.min_resource=1",
    )
    assert result.returncode == 0, result.stderr
    trials = study_of(tmp_path).trials
    assert trials[0].state is TrialState.COMPLETE
    assert [trial.state for trial in trials].count(TrialState.PRUNED) >= 3
    assert all(trial.intermediate_values for trial in trials)
    assert "no other trial is better in all objectives than: 0" in result.stdout


def test_a_stop_that_the_job_swallows_is_heeded_at_its_next_step(tmp_path) -> None:
    process = start(tmp_path, "x=range(0,3)", "n_steps=200", "seconds_a_step=0.3", "deaf=true")
    wait_for(tmp_path, "0.json", 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert states(tmp_path) == ["WAITING"] * 3


def test_a_typed_password_is_refused_and_not_repeated(parabola, tmp_path) -> None:
    storage = "hydra.sweeper.storage=postgresql://me:s3cret@127.0.0.1/studies"
    result = parabola("-m", "x=1,2", storage)
    assert result.returncode == 1
    assert "must take its password from the environment" in result.stderr
    assert "s3cret" not in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_study_is_of_what_stands_in_its_data_files(qa_sweep, tmp_path) -> None:
    row = {"id": "1", "question": "Who came?", "context": "Ada came.", "answer_start": 0}
    rows = [row | {"id": str(number), "answer_text": "Ada"} for number in range(10)]
    words = ["-m", "data=local", "data.path=x.jsonl", "tracking=off", "hydra.sweeper.dry_run=true"]

    def study() -> str:
        (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
        planned = qa_sweep(*words)
        assert planned.returncode == 0, planned.stderr
        return planned.stdout.split()[1]

    first = study()
    assert study() == first
    rows[3]["question"] = "Who was it that came?"
    assert study() != first
