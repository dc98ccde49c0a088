"""Studies and Aim's runs that do not agree: found, mended, and not found again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from conftest import run
from doctor_helpers import (
    RESULTS,
    SINGLE_RUN,
    at_work,
    kill,
    make_run,
    make_study,
    make_trial,
    on_disk,
    open_run,
    study_of,
)
from optuna.trial import TrialState
from tracking_helpers import empty_repo, in_new_process, repo

from qa_sweep.doctor import main
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.tickets import RETRY_OF
from qa_sweep.tracking import Outcome, TrackedRun, read_runs
from qa_sweep.tracking.index import delete_run
from qa_sweep.tracking.settling import unsettled

__all__ = ["empty_repo", "repo"]  # fixtures

Doctor = Callable[..., str]


@pytest.fixture(autouse=True)
def in_folder(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, with an empty repo."""
    monkeypatch.chdir(repo)


@pytest.fixture
def doctor(capsys) -> Doctor:
    """Runs the doctor, and gives what it prints; `code` is the exit code that is expected."""

    def see(*words: str, code: int = 0) -> str:
        assert main(words) == code, capsys.readouterr()
        return capsys.readouterr().out

    return see


@pytest.fixture
def healed(doctor) -> Doctor:
    """Finds what is expected, mends it, and finds nothing any more; gives what was found."""

    def heal(*expected: str, words: tuple[str, ...] = ()) -> str:
        found = doctor(code=1)
        for text in expected:
            assert text in found
        mended = doctor("--repair", *words)
        assert "all is in accord now" in mended
        assert doctor().splitlines()[-1] == "all is in accord"
        return found

    return heal


def run_of(run_hash: str) -> TrackedRun:
    (run,) = [run for run in read_runs(".") if run.hash == run_hash]
    return run


def damage(run_hash: str) -> None:
    (Path(".aim/meta/chunks") / run_hash / "CURRENT").write_text("x\n")


def test_a_sweep_that_was_indexed_is_in_accord(doctor, healed) -> None:
    make_study(Outcome.complete, Outcome.pruned, Outcome.failed, Outcome.diverged)
    found = healed("runs that Aim's index lacks or shows as they were: 4")
    assert f"checked 1 studies with 4 trials, and 4 runs in {Path.cwd()}" in found
    assert "4 findings; to mend them, add --repair" in found


def test_aims_own_queries_see_the_runs_that_were_indexed(doctor) -> None:
    (run_hash,) = make_study(Outcome.complete)
    query = "from aim import Repo; print([run.hash for run in Repo('.').iter_runs()])"
    assert run_hash not in in_new_process(query).communicate()[0]
    doctor("--repair")
    assert run_hash in in_new_process(query).communicate()[0]


def test_a_killed_trial_is_handed_back_and_its_run_closed_as_interrupted(doctor, healed) -> None:
    process = at_work()
    found = doctor("--repair")
    assert "1 trials are at work, and were left alone" in found
    kill(process)
    healed("trials whose worker is gone: 1", "not yet written to Aim: 1", "study s, trial 0")
    (trial,) = on_disk().all_trials
    assert trial.state is TrialState.WAITING
    run = run_of(trial.user_attrs["aim_run"])
    assert (run.status, run.tags) == ("interrupted", ("interrupted",))
    assert run.metrics["loss", "train"] == [(1, None, 2.0)]
    assert unsettled(RESULTS / "s") == []


def test_a_ghost_without_a_spool_is_closed_with_its_trials_outcome(healed) -> None:
    kill(at_work())
    (folder,) = unsettled(RESULTS / "s")
    (folder / "tracking.jsonl").unlink()
    study = study_of("s")
    study.tell(0, state=TrialState.FAIL)
    found = healed("runs that are open although nothing works on them: 1")
    assert "is running, to be failed" in found
    (run,) = read_runs(".")
    assert (run.status, run.tags, run.params["error"]) == ("failed", ("failed",), "unknown")
    assert run.end_time is not None


def test_a_killed_single_run_is_closed(doctor, healed) -> None:
    process = at_work(SINGLE_RUN)
    assert "not yet written" not in doctor("--repair")
    kill(process)
    healed("not yet written to Aim: 1")
    (run,) = read_runs(".")
    assert run.status == "interrupted"
    assert run.end_time is not None


@pytest.mark.parametrize(
    ("state", "tracked", "told"),
    [
        (TrialState.COMPLETE, Outcome.failed, "complete"),
        (TrialState.PRUNED, Outcome.complete, "pruned"),
        (TrialState.FAIL, Outcome.interrupted, "failed"),
        (TrialState.WAITING, Outcome.complete, "interrupted"),
    ],
)
def test_a_run_is_brought_to_say_what_the_study_says(healed, state, tracked, told) -> None:
    run_hash = make_run("s", 0, tracked)
    study_of("s").add_trial(make_trial(run_hash, state))
    healed(f"study s, trial 0: {told}, but run {run_hash} is {tracked.value}, tagged")
    run = run_of(run_hash)
    assert (run.status, run.tags) == (told, (told,))


def test_a_tag_that_was_taken_off_is_put_back(healed) -> None:
    from aim.sdk.run import Run

    (run_hash,) = make_study(Outcome.complete)
    run = Run(run_hash, repo=".", system_tracking_interval=None, capture_terminal_logs=False)
    run.remove_tag("complete")
    run.close()
    del run
    healed("is complete, tagged nothing")
    assert run_of(run_hash).tags == ("complete",)


def test_a_diverged_run_agrees_with_its_failed_trial(doctor) -> None:
    make_study(Outcome.diverged)
    assert "runs that end otherwise" not in doctor(code=1)


def test_a_retry_in_the_failed_trials_run_is_in_accord(doctor) -> None:
    run_hash = make_run("s", 0, Outcome.failed)
    study_of("s").add_trial(make_trial(run_hash, TrialState.FAIL))
    retry = open_run("s", 1, run_hash)
    retry.close(Outcome.complete)
    study_of("s").add_trial(make_trial(run_hash, **{RETRY_OF: 0}))
    found = doctor(code=1)
    assert "1 findings" in found
    assert "index" in found


def test_a_run_that_is_gone_is_made_anew_from_the_study(healed) -> None:
    (run_hash,) = make_study(Outcome.pruned)
    delete_run(".", run_hash)
    healed(f"study s, trial 0: run {run_hash} is not in {Path.cwd()}")
    run = run_of(run_hash)
    assert (run.status, run.name, run.experiment) == ("pruned", "s/0", "s")
    assert run.params["hparams"] == {"learning_rate": 0.5}
    assert run.params["best"] == {"f1": 60.0}
    assert run.params["rebuilt"] is True
    assert run.metrics == {("f1", "eval"): [(10, None, 55.0)]}


def test_a_run_is_made_anew_with_the_evaluations_of_its_result(healed) -> None:
    (run_hash,) = make_study(Outcome.complete)
    result = {
        "metrics": {"f1": 61.0},
        "evaluations": [
            {"eval_loss": 1.5, "eval_f1": 61.0, "eval_runtime": 9, "step": 5, "epoch": 1.0}
        ],
        "config": {"trainer": {"learning_rate": 0.5}, "model": {"name": "tiny"}, "seed": 3},
    }
    (RESULTS / "s/0/result.json").write_text(json.dumps(result))
    delete_run(".", run_hash)
    healed("trials whose run is gone: 1")
    run = run_of(run_hash)
    assert run.params["hparams"] == {"learning_rate": 0.5, "seed": 3}
    assert run.params["model"] == {"name": "tiny"}
    assert run.metrics == {("loss", "eval"): [(5, 1.0, 1.5)], ("f1", "eval"): [(5, 1.0, 61.0)]}


def test_runs_that_may_be_in_another_repo_are_not_made_anew(doctor) -> None:
    (run_hash,) = make_study(Outcome.complete)
    Path(".aim").rename("aside")
    assert "name it: --repo DIR" in doctor("--repair", code=1)
    assert not Path(".aim").exists()
    Path("aside").rename(".aim")
    delete_run(".", run_hash)
    config = RESULTS / "s/0/.hydra/config.yaml"
    config.parent.mkdir()
    config.write_text("tracking: {repo: /data/runs}")
    assert "tracked in other repos (/data/runs); see --repo" in doctor("--repair")
    assert read_runs(".") == []
    doctor("--repair", "--repo", ".")
    assert [run.hash for run in read_runs(".")] == [run_hash]


def test_an_untracked_trial_is_no_finding(doctor) -> None:
    study_of("s").add_trial(make_trial(None))
    assert "1 trials were not tracked" in doctor()


def test_nothing_is_deleted_without_yes(doctor, healed) -> None:
    (kept,) = make_study(Outcome.complete)
    doubled = make_run("s", 0)
    homeless = make_run("gone", 3)
    missing_trial = make_run("s", 7)
    broken = make_run("", 1)
    damage(broken)
    found = doctor("--repair", code=1)
    for text in (
        f"study s, trial 0: run {doubled}, beside {kept}",
        f"run {homeless} (gone/3) is of no trial in sqlite:///",
        f"run {missing_trial} (s/7) is of no trial",
        f"run {broken}: ",
        "4 left; to delete 4 runs, add --yes",
    ):
        assert text in found
    assert len(read_runs(".")) == 4
    healed(words=("--yes",))
    assert [run.hash for run in read_runs(".")] == [kept]
    assert not list(Path(".aim").glob(f"**/*{broken}*"))


def test_a_broken_run_is_deleted_and_made_anew_in_one_go(healed) -> None:
    (run_hash,) = make_study(Outcome.complete)
    damage(run_hash)
    healed("runs that cannot be read: 1", words=("--yes",))
    assert run_of(run_hash).params["rebuilt"] is True


def test_runs_whose_folder_in_the_repo_was_removed_are_found(healed) -> None:
    (run_hash,) = make_study(Outcome.complete)
    shutil.rmtree(Path(".aim/meta/chunks") / run_hash)
    healed("runs that cannot be read: 1", words=("--yes",))
    assert run_of(run_hash).status == "complete"


def test_runs_of_a_removed_study_are_found(doctor) -> None:
    make_study(Outcome.complete, Outcome.complete)
    optuna.delete_study(study_name="s", storage=default_storage_url(RESULTS))
    assert "runs of no trial of the study: 2" in doctor("--repair", code=1)
    assert doctor("--repair", "--yes")
    assert read_runs(".") == []


def test_a_study_can_be_looked_at_by_itself(doctor) -> None:
    make_study(Outcome.complete, name="s")
    (other,) = make_study(Outcome.complete, name="other")
    make_run("", 1)
    damage(other)
    found = doctor("s", code=1)
    assert "checked 1 studies with 1 trials, and 1 runs" in found
    assert "1 findings" in found
    assert "all is in accord now" in doctor("s", "--repair")
    assert "runs that cannot be read: 1" in doctor("other", code=1)


def test_runs_of_other_folders_of_results_are_left_alone(doctor) -> None:
    make_study(Outcome.complete)
    other = default_storage_url(Path("elsewhere"))
    optuna.create_study(storage=open_storage(other).backend, study_name="t")
    found = doctor("--results", "elsewhere", "--repair", "--yes")
    assert "1 runs were made in other folders of results" in found
    assert len(read_runs(".")) == 1


def test_what_a_read_only_place_kept_waiting_is_written(healed) -> None:
    shutil.move(".aim", "aside")
    Path(".aim").write_text("no repo")
    run_hash = make_run("s", 0)
    study_of("s").add_trial(make_trial(run_hash))
    Path(".aim").unlink()
    shutil.move("aside", ".aim")
    healed("not yet written to Aim: 1", "events wait in tracking.jsonl")
    run = run_of(run_hash)
    assert run.status == "complete"
    assert run.metrics == {("f1", "eval"): [(10, 1.0, 50.0)]}


def test_a_damaged_index_is_made_anew(healed) -> None:
    make_study(Outcome.complete)
    for path in Path(".aim/meta/index").iterdir():
        path.write_text("x\n")
    healed("runs that Aim's index lacks or shows as they were: 1")


def test_a_repo_that_cannot_be_read_is_told_in_one_line(capsys) -> None:
    make_study(Outcome.complete)
    Path(".aim/run_metadata.sqlite").write_text("no database " * 100)
    assert main(["--repair"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "run_metadata.sqlite must be a database of Aim's" in line


def test_where_there_is_nothing_at_all_one_line_says_so(capsys) -> None:
    shutil.rmtree(".aim")
    assert main([]) == 1
    assert "results holds no studies" in capsys.readouterr().err


def test_the_command_says_it_in_plain_lines_and_ends() -> None:
    (run_hash,) = make_study(Outcome.complete)
    damage(make_run("s", 0))
    found = run(["-m", "qa_sweep.doctor", "--repair", "--yes"], Path.cwd())
    assert (found.returncode, found.stderr) == (0, "")
    lines = found.stdout.splitlines()
    assert lines[0] == f"checked 1 studies with 1 trials, and 1 runs in {Path.cwd()}"
    assert [line for line in lines if not line.startswith("  ")][1:] == [
        "mended: runs that cannot be read: 1",
        "mended: runs that Aim's index lacks or shows as they were: 1",
        "all is in accord now",
    ]
    assert [run.hash for run in read_runs(".")] == [run_hash]


def test_json_lists_what_was_mended_and_what_is_left(doctor) -> None:
    (run_hash,) = make_study(Outcome.complete)
    content = json.loads(doctor("--json", code=1))
    assert content["mended"] == []
    assert content["left"] == [
        {"kind": "unindexed", "what": f"run {run_hash} (s/0)", "deletes": False}
    ]
    content = json.loads(doctor("--json", "--repair"))
    assert (len(content["mended"]), content["left"]) == (1, [])
