"""Aim's repo and its bookmarks are made beside the sweep, which waits for none of a repo."""

import shutil
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, wait_for  # noqa: F401

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking import read_runs
from qa_sweep.tracking.bookmark_database import _VERSION, _version
from qa_sweep.tracking.early_repo import finish_early, prepare_early


def test_a_repo_that_is_wanted_is_made_with_its_bookmarks(tmp_path) -> None:
    config = TrackingConfig(repo=str(tmp_path / "repo"))
    prepare_early(config, is_wanted=True)
    wait_for(lambda: read_runs(config.repo) == [])
    finish_early(config)
    assert _version(tmp_path / "repo/.aim/aim_db") == _VERSION
    assert [path.name for path in (tmp_path / "repo").iterdir()] == [".aim"]


def test_a_repo_that_is_there_is_left_as_it_is(tmp_path, empty_repo) -> None:  # noqa: F811
    shutil.copytree(empty_repo, tmp_path / ".aim")
    tables = tmp_path / ".aim/run_metadata.sqlite"
    before = tables.stat()
    config = TrackingConfig(repo=str(tmp_path))
    prepare_early(config, is_wanted=True)
    finish_early(config)
    assert (tables.stat().st_ino, tables.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in tmp_path.iterdir()] == [".aim"]


def test_a_repo_that_cannot_be_made_is_left_to_those_who_write_to_it(tmp_path, capfd) -> None:
    (tmp_path / "file").touch()
    config = TrackingConfig(repo=str(tmp_path / "file"))
    prepare_early(config, is_wanted=True)
    finish_early(config)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert capfd.readouterr() == ("", "")


def test_bookmarks_are_made_as_soon_as_the_first_trial_has_made_the_repo(
    tmp_path,
    empty_repo,  # noqa: F811
) -> None:
    config = TrackingConfig(repo=str(tmp_path / "repo"))
    prepare_early(config, is_wanted=False)
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
        prepare_early(config, is_wanted=False)
        finish_early(config)
    assert not list(tmp_path.iterdir())
