"""The doctor while a sweep goes on: what changes meanwhile is no finding, and is left alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doctor_helpers import RESULTS, make_run, make_trial, on_disk, study_of
from optuna.trial import TrialState
from tracking_helpers import empty_repo, repo

from qa_sweep.doctor import main, visit
from qa_sweep.doctor.examination import examine
from qa_sweep.doctor.finding import Kind
from qa_sweep.doctor.records import Records
from qa_sweep.sweep.lease import Lease, this_process
from qa_sweep.sweep.lease_stores import LeaseFiles
from qa_sweep.sweep.studies import open_studies
from qa_sweep.tracking import read_runs

__all__ = ["empty_repo", "repo"]  # fixtures


@pytest.fixture(autouse=True)
def in_folder(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)


def test_a_trial_that_another_worker_has_taken_meanwhile_is_left_to_it() -> None:
    study_of("s").ask()
    leases = LeaseFiles(RESULTS / ".studies/s")
    leases.write(0, {**this_process(), "started": "before this one"})  # of a process that is gone
    studies = open_studies(RESULTS)
    records = Records(".", studies, [on_disk()], [], [])
    (finding,) = [each for each in examine(records, None) if each.kind is Kind.dead_worker]
    with Lease(leases, 0) as lease:
        assert not finding.mend()
        assert lease.is_held
        (trial,) = on_disk().all_trials
        assert trial.state is TrialState.RUNNING
    assert trial.user_attrs == {}


def add_trial() -> None:
    study_of("s").add_trial(make_trial(make_run("s", 0)))


@pytest.mark.parametrize("is_before", [True, False])
def test_a_trial_that_ends_while_the_doctor_reads_has_its_run_and_is_its_runs(
    is_before, monkeypatch, capsys
) -> None:
    scan: Callable[..., Iterator[object]] = visit.scan
    study_of("s")

    def scan_beside_sweep(*arguments: object) -> list[object]:
        if is_before:
            add_trial()
        found = list(scan(*arguments))
        if not is_before:
            add_trial()
        return found

    monkeypatch.setattr(visit, "scan", scan_beside_sweep)
    main([])
    found = capsys.readouterr().out
    assert "checked 1 studies with 1 trials" in found
    assert "runs of no trial" not in found
    assert "trials whose run is gone" not in found
    assert [run.status for run in read_runs(".")] == ["complete"]
