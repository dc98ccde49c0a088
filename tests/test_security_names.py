"""Names, links and settings that somebody else's results bring lead nowhere else."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
from ask_helpers import RUN, in_study, model_folder, passages, study_folder
from optuna.trial import create_trial
from report_helpers import hostile_study
from security_helpers import MARK

from qa_sweep import doctor, study
from qa_sweep.champion.bundle import fill
from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.studies import find_study, open_studies
from qa_sweep.tracking import Outcome
from qa_sweep.tracking.environment import git_state
from qa_sweep.tracking.events import opening
from qa_sweep.tracking.settling import settle

__all__ = ["in_study", "model_folder", "passages", "study_folder"]  # fixtures

RESULTS = Path("results")


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", ["../elsewhere", "/elsewhere", "a/../../elsewhere", ".."])
def test_a_study_whose_name_leads_elsewhere_has_no_folder(place, name) -> None:
    made = optuna.create_study(
        study_name=name, storage=open_storage(default_storage_url(RESULTS)).backend
    )
    identity = Identity.of(Space(()), (Objective("f1", "maximize"),), {})
    made.set_user_attr("identity", identity.as_dict())
    made.add_trial(create_trial(value=1.0, user_attrs={"f1": 1.0}))
    assert open_studies(RESULTS).find(name).identity is None
    with pytest.raises(StudyError, match="not made by a sweep"):
        find_study(RESULTS, name)
    left = place / "elsewhere/0/tracking.jsonl"
    left.parent.mkdir(parents=True)
    left.write_text("{}\n")
    doctor.main(["--repair", "--yes"])
    study.main(["remove", name, "--yes"])
    assert left.read_text() == "{}\n"


@pytest.mark.parametrize(
    "look", [lambda: study.main(["list"]), lambda: study.main(["show"]), lambda: doctor.main([])]
)
def test_no_name_in_a_study_steers_the_terminal(place, capsys, look) -> None:
    hostile_study(RESULTS)
    look()
    shown = capsys.readouterr().out
    assert r"\x1b[2J" in shown.replace("\n", "")
    assert not set(shown) & {"\x1b", "\u202e"}


def test_a_link_in_a_model_folder_is_not_followed_into_a_bundle(in_study, tmp_path) -> None:
    (tmp_path / "secret").write_text("private")
    (RUN / "model/notes.txt").symlink_to(tmp_path / "secret")
    champion = SimpleNamespace(record=SimpleNamespace(folder=RUN))
    with pytest.raises(StudyError, match=r"notes\.txt is a link"):
        fill(tmp_path / "bundle", champion, "x")
    assert not (tmp_path / "bundle").exists()


@pytest.fixture
def watched_folder(tmp_path) -> Path:
    """A git repository whose own settings name a program."""
    watcher = tmp_path / "watcher"
    watcher.write_text(f"#!/bin/sh\nmkdir -p '{tmp_path / MARK}'\nexit 1\n")
    watcher.chmod(0o755)
    folder = tmp_path / "repository"
    author = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (
        ["init", "--quiet", str(folder)],
        ["-C", str(folder), *author, "commit", "--quiet", "--allow-empty", "-m", "first"],
        ["-C", str(folder), "config", "core.fsmonitor", str(watcher)],
    ):
        subprocess.run(["git", *words], check=True)
    return folder


def test_the_settings_of_a_repository_name_no_program_to_us(watched_folder, tmp_path) -> None:
    assert git_state(str(watched_folder)) is not None
    assert not (tmp_path / MARK).exists()
    subprocess.run(["git", "-C", watched_folder, "status"], capture_output=True, check=True)
    assert (tmp_path / MARK).exists()  # as git by itself would have it


def test_a_runs_hash_leads_to_no_other_folder(tmp_path, caplog) -> None:
    event = opening(str(tmp_path / "repo"), "../../../../elsewhere", "e", "r", str(tmp_path))
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "tracking.jsonl").write_text(json.dumps(event | {"time": 1.0}) + "\n")
    assert not settle(run_folder, Outcome.interrupted)
    assert "must be letters and digits" in caplog.text
    assert {path.name for path in tmp_path.iterdir()} <= {"run", "repo"}
