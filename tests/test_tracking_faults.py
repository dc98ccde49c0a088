"""No fault of tracking reaches a run, and what can be read is read."""

import os
import re

import pytest
from tracking_helpers import empty_repo, in_new_process, only_run, repo, start

from qa_sweep.config import TrackingConfig
from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.tracking import (
    AnsweredQuestion,
    Outcome,
    RunTracker,
    Subset,
    read_runs,
)
from qa_sweep.tracking.settling import settle

__all__ = ["empty_repo", "repo"]  # fixtures


@pytest.mark.parametrize(
    "repo", ["http://host:1", "aim://host", "aim://me:password@host:1", "s3://bucket"]
)
def test_what_is_neither_folder_nor_server_is_refused_as_repo(repo):
    with pytest.raises(ConfigError, match="must be a folder, or a server as aim://HOST:PORT"):
        TrackingConfig(repo=repo)


def test_a_file_in_place_of_the_repo_costs_one_warning(tmp_path, caplog):
    (tmp_path / ".aim").write_text("not a folder")
    tracker = start(tmp_path)
    use_all_of(tracker)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "tracking is off" in caplog.text


def test_a_file_in_place_of_the_folder_costs_one_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    use_all_of(start(tmp_path / "file" / "repo"))
    assert len(caplog.records) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop root")
def test_a_read_only_repo_costs_one_warning_and_nothing_is_lost(repo, tmp_path, caplog):
    start(repo).close(Outcome.complete)
    folders = [path for path in (repo / ".aim").rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    use_all_of(start(repo, folder=tmp_path / "1"))
    for folder in folders:
        folder.chmod(0o755)
    assert len(caplog.records) == 1
    assert settle(tmp_path / "1", Outcome.failed)
    assert [run.status for run in read_runs(str(repo))] == ["complete", "complete"]


def use_all_of(tracker: RunTracker) -> None:
    tracker.set_params({"hparams": {"a": 1}})
    tracker.track({"loss": 1.0}, step=1, epoch=None, subset=Subset.train)
    tracker.track_questions([AnsweredQuestion("q", "c", "a")])
    tracker.close(Outcome.complete)


def test_a_disk_that_fills_up_under_repo_and_spool_costs_two_warnings_and_no_hang(repo):
    """One when tracking is off, one of what was lost in the end."""
    script = """
        import logging, resource, signal, sys
        from functools import partial
        from pathlib import Path
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Outcome, Subset, open_tracker
        logging.basicConfig(format="%(levelname)s %(message)s")
        folder = Path(sys.argv[1])
        start = partial(open_tracker, TrackingConfig(repo=sys.argv[1]), experiment="e")
        tracker = start(run_name="r", folder=folder)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        for step in range(2000):
            tracker.track({"loss": 1.0}, step=step, epoch=None, subset=Subset.train)
        tracker.close(Outcome.complete)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        again = start(run_name="r", folder=folder, run_hash=tracker.run_hash)
        again.track({"loss": 2.0}, step=5000, epoch=None, subset=Subset.train)
        again.close(Outcome.complete)
    """
    _, errors = in_new_process(script, str(repo)).communicate(timeout=60)
    off, lost = errors.splitlines()
    assert off.startswith("WARNING Aim tracking is off for this run, which goes on without it: ")
    assert re.fullmatch(r"WARNING \d+ events of .*tracking.jsonl are lost: no room for them", lost)
    run = only_run(repo)
    assert run.status == "complete"
    assert run.metrics["loss", "train"][-1] == (5000, None, 2.0)


def test_processes_that_start_at_once_make_one_repo(tmp_path):
    script = """
        import sys
        from pathlib import Path
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Outcome, open_tracker
        import aim
        print("ready", flush=True)
        config, folder = TrackingConfig(repo=sys.argv[1]), Path(sys.argv[1])
        tracker = open_tracker(config, experiment="e", run_name="r", folder=folder)
        tracker.close(Outcome.complete)
    """
    process = in_new_process(script, str(tmp_path))
    assert process.stdout.readline() == "ready\n"
    start(tmp_path).close(Outcome.complete)
    assert process.communicate(timeout=60)[1] == ""
    assert [run.status for run in read_runs(str(tmp_path))] == ["complete"] * 2
    assert sorted(path.name for path in tmp_path.glob(".aim*")) == [".aim"]


def test_reading_a_folder_without_a_repo_says_so(tmp_path):
    with pytest.raises(OutputError, match="must hold an Aim repo"):
        read_runs(str(tmp_path))


def test_a_run_that_cannot_be_read_is_left_out_with_a_warning(repo, caplog):
    start(repo).close(Outcome.complete)
    broken = start(repo)
    broken.close(Outcome.complete)
    (repo / ".aim" / "meta" / "chunks" / str(broken.run_hash) / "CURRENT").write_text("x\n")
    assert len(read_runs(str(repo))) == 1
    assert str(broken.run_hash) in caplog.text
