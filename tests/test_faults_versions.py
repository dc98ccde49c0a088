"""A study of an earlier version goes on; one of a later version is refused with the reason."""

import sqlite3
from pathlib import Path

import optuna
import pytest
from conftest import ROOT, run
from optuna.trial import FrozenTrial
from sweep_helpers import study_of
from sweep_law import assert_settled

from qa_sweep import report, study
from qa_sweep.errors import StudyError
from qa_sweep.sweep.opening import FORMAT, known_identity
from qa_sweep.sweep.storage import open_storage

OLDER = ROOT / "tests" / "older_studies"
DUMPS = sorted(path.stem for path in OLDER.glob("*.sql"))
WORDS = [str(OLDER / "app.py"), "-m", "x=range(0,6)", "y=-2,-1"]


def restore(commit: str, folder: Path) -> None:
    (folder / "results").mkdir()
    with sqlite3.connect(folder / "results" / "studies.db") as connection:
        connection.executescript((OLDER / f"{commit}.sql").read_text())


def complete(folder: Path) -> dict[int, FrozenTrial]:
    trials = study_of(folder).trials
    return {trial.number: trial for trial in trials if trial.state.name == "COMPLETE"}


@pytest.mark.faults
@pytest.mark.parametrize("commit", DUMPS)
def test_a_study_of_an_earlier_version_is_shown_and_goes_on(
    commit, tmp_path, monkeypatch, capsys
) -> None:
    restore(commit, tmp_path)
    monkeypatch.chdir(tmp_path)
    before = complete(tmp_path)
    assert len(before) == 8
    assert study.main(["show"]) == 0
    assert "objective" in capsys.readouterr().out
    continued = run(WORDS, tmp_path)
    assert continued.returncode == 0, continued.stderr
    after = complete(tmp_path)
    assert {number: after[number].values for number in before} == {
        number: trial.values for number, trial in before.items()
    }
    assert sorted((t.params["x"], t.params["y"]) for t in after.values()) == [
        (x, y) for x in range(6) for y in (-2, -1)
    ]
    assert_settled(tmp_path)
    assert report.main([]) == 0
    assert f"trial {study_of(tmp_path).best_trial.number}" in capsys.readouterr().out


def test_there_are_studies_of_earlier_versions() -> None:
    assert len(DUMPS) >= 2


def test_a_study_of_a_later_version_is_refused_with_the_reason(tmp_path) -> None:
    restore(DUMPS[0], tmp_path)
    known = study_of(tmp_path)
    known.set_user_attr("format", FORMAT + 1)
    refused = run(WORDS, tmp_path)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    (line,) = [line for line in refused.stderr.splitlines() if known.study_name in line]
    assert f"of format {FORMAT + 1}, which a later version made; update qa_sweep" in line
    assert len(complete(tmp_path)) < 11


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"space": {}, "objectives": [{"goal": "f1"}]},
        {"space": {}, "objectives": [], "fixed": 7},
        {"space": "x", "objectives": [], "fixed": {}},
        7,
    ],
)
def test_a_study_that_does_not_say_what_it_is_is_refused(identity) -> None:
    odd = optuna.create_study(study_name="odd")
    odd.set_user_attr("identity", identity)
    with pytest.raises(StudyError, match="study odd must name its space") as caught:
        known_identity(odd)
    assert "\n" not in str(caught.value)


def test_a_database_of_a_later_optuna_is_refused_with_the_reason(tmp_path) -> None:
    restore(DUMPS[0], tmp_path)
    with sqlite3.connect(tmp_path / "results" / "studies.db") as connection:
        connection.execute("update version_info set schema_version = 99")
        connection.execute("update alembic_version set version_num = 'v99.0.0.a'")
    with pytest.raises(StudyError, match=r"studies.db must be a database of studies") as caught:
        open_storage(f"sqlite:///{tmp_path}/results/studies.db")
    assert "\n" not in str(caught.value)
