"""What a trial's run should say, and what a sweep tidies when it starts."""

import shutil
from pathlib import Path

import pytest
from doctor_helpers import (
    RESULTS,
    at_work,
    kill,
    make_run,
    make_trial,
    on_disk,
    open_run,
    study_of,
)
from optuna.trial import FrozenTrial, TrialState
from tracking_helpers import empty_repo, in_new_process, repo

from qa_sweep.accord import outcome_of, tidy
from qa_sweep.sweep.tickets import RETRY_OF
from qa_sweep.tracking import Outcome, read_runs
from qa_sweep.tracking.settling import unsettled

__all__ = ["empty_repo", "repo"]  # fixtures


@pytest.fixture(autouse=True)
def in_folder(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)


def trial_in(state: TrialState, **attributes: object) -> FrozenTrial:
    return make_trial(None, state, **attributes)


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (trial_in(TrialState.COMPLETE), (Outcome.complete, None)),
        (trial_in(TrialState.PRUNED), (Outcome.pruned, None)),
        (trial_in(TrialState.FAIL, error="out of memory"), (Outcome.failed, "out of memory")),
        (trial_in(TrialState.FAIL), (Outcome.failed, "unknown")),
        (
            trial_in(TrialState.FAIL, error="the loss was nan", outcome="diverged"),
            (Outcome.diverged, "the loss was nan"),
        ),
        (trial_in(TrialState.WAITING), (Outcome.interrupted, None)),
        (trial_in(TrialState.RUNNING), (Outcome.interrupted, None)),
    ],
)
def test_a_trials_state_says_how_its_run_ended(trial, expected) -> None:
    assert outcome_of(trial) == expected


def test_a_killed_run_is_closed_with_what_became_of_its_trial() -> None:
    process = at_work()
    assert tidy(on_disk()) == []  # it is at work
    kill(process)
    assert tidy(on_disk()) == []  # its worker may be on another machine, as far as is known here
    study_of("s").tell(0, state=TrialState.FAIL)
    assert tidy(on_disk()) == ["trial 0: what an earlier sweep left was written to Aim"]
    (run,) = read_runs(".")
    assert (run.status, run.tags) == ("failed", ("failed",))
    assert run.end_time is not None
    assert run.metrics["loss", "train"] == [(1, None, 2.0)]
    assert tidy(on_disk()) == []


def test_what_still_cannot_be_written_is_kept_and_told(caplog) -> None:
    shutil.rmtree(".aim")
    Path(".aim").write_text("no repo")
    study_of("s").add_trial(make_trial(make_run("s", 0)))
    (line,) = tidy(on_disk())
    assert line.startswith("trial 0: not yet written to Aim, but kept in ")
    assert unsettled(RESULTS / "s")
    Path(".aim").unlink()
    assert tidy(on_disk()) == ["trial 0: what an earlier sweep left was written to Aim"]
    assert [run.status for run in read_runs(".")] == ["complete"]


def test_what_a_retry_left_is_written_after_what_the_failed_trial_left() -> None:
    Path(".aim").rename("aside")
    Path(".aim").write_text("no repo")
    run_hash = make_run("s", 2, Outcome.failed)
    open_run("s", 10, run_hash).close(Outcome.complete)
    Path(".aim").unlink()
    Path("aside").rename(".aim")
    study = study_of("s")
    for number in range(11):
        retry = {RETRY_OF: 2} if number == 10 else {}
        state = TrialState.FAIL if number == 2 else TrialState.COMPLETE
        study.add_trial(make_trial(run_hash if number in (2, 10) else None, state, **retry))
    assert len(tidy(on_disk())) == 2
    (run,) = read_runs(".")
    assert (run.status, run.tags, run.name) == ("complete", ("complete",), "s/10")
    assert run.params["study"]["trial"] == 10


def test_where_nothing_was_left_aim_is_not_imported() -> None:
    study_of("s").add_trial(make_trial(None))
    script = """
        import sys
        from pathlib import Path
        from qa_sweep.accord import tidy
        from qa_sweep.sweep.studies import find_study
        print(tidy(find_study(Path("results"))), {"aim", "torch"} & set(sys.modules))
    """
    assert in_new_process(script).communicate()[0].strip() == "[] set()"
