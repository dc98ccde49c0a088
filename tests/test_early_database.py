"""The database of Aim's bookmarks is made beside the trials, and no sweep waits for a repo."""

import shutil
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, wait_for  # noqa: F401

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking.bookmark_database import _VERSION, _version
from qa_sweep.tracking.early_database import finish_early, prepare_early


def test_it_is_made_as_soon_as_the_first_trial_has_made_the_repo(tmp_path, empty_repo) -> None:  # noqa: F811
    config = TrackingConfig(repo=str(tmp_path / "repo"))
    prepare_early(config)
    shutil.copytree(empty_repo, tmp_path / "repo/.aim")
    wait_for(lambda: (tmp_path / "repo/.aim/aim_db").exists())
    finish_early(config)
    assert _version(tmp_path / "repo/.aim/aim_db") == _VERSION


@pytest.mark.parametrize("repo", ["nowhere", "aim://127.0.0.1:1"])
def test_a_sweep_that_has_made_no_repo_ends_at_once_and_leaves_nothing(
    tmp_path: Path, monkeypatch, repo
) -> None:
    monkeypatch.chdir(tmp_path)
    for config in (TrackingConfig(repo=repo), TrackingConfig(tracker=Tracker.off)):
        prepare_early(config)
        finish_early(config)
    assert not list(tmp_path.iterdir())
