"""No fault of tracking reaches a run, and what can be read is read."""

import os
import threading

import pytest
from tracking_helpers import empty_repo, in_new_process, only_run, repo, start

from qa_sweep.config import TrackingConfig
from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.tracking import (
    AnsweredQuestion,
    Outcome,
    RunTracker,
    Subset,
    open_tracker,
    read_runs,
)
from qa_sweep.tracking.writer import Writer

__all__ = ["empty_repo", "repo"]  # fixtures


def test_an_address_is_refused_as_repo():
    with pytest.raises(ConfigError, match="folder"):
        open_tracker(TrackingConfig(repo="aim://host:1"), experiment="e", run_name="r")


def test_a_file_in_place_of_the_repo_costs_one_warning(tmp_path, caplog):
    (tmp_path / ".aim").write_text("not a folder")
    tracker = start(tmp_path)
    use_all_of(tracker)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "tracking is off" in caplog.text
    assert tracker.run_hash is None


def test_a_file_in_place_of_the_folder_costs_one_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    use_all_of(start(tmp_path / "file" / "repo"))
    assert len(caplog.records) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop root")
def test_a_read_only_repo_costs_one_warning(repo, caplog):
    start(repo).close(Outcome.complete)
    folders = [path for path in repo.rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    use_all_of(start(repo))
    for folder in folders:
        folder.chmod(0o755)
    assert len(caplog.records) == 1


def use_all_of(tracker: RunTracker) -> None:
    tracker.set_params({"hparams": {"a": 1}})
    tracker.track({"loss": 1.0}, step=1, epoch=None, subset=Subset.train)
    tracker.track_questions([AnsweredQuestion("q", "c", "a")])
    tracker.close(Outcome.complete)


def test_a_disk_that_fills_up_costs_one_warning_and_no_hang(repo):
    script = """
        import logging, resource, signal, sys
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Outcome, Subset, open_tracker
        logging.basicConfig(format="%(levelname)s %(message)s")
        settings = TrackingConfig(repo=sys.argv[1])
        tracker = open_tracker(settings, experiment="e", run_name="r")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        for step in range(2000):
            tracker.track({"loss": 1.0}, step=step, epoch=None, subset=Subset.train)
        tracker.close(Outcome.complete)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        again = open_tracker(settings, experiment="e", run_name="r", run_hash=tracker.run_hash)
        again.track({"loss": 2.0}, step=5000, epoch=None, subset=Subset.train)
        again.close(Outcome.complete)
        print(again.run_hash == tracker.run_hash)
    """
    output, errors = in_new_process(script, str(repo)).communicate(timeout=60)
    assert output == "True\n", errors
    assert [line.split(":")[0] for line in errors.splitlines()] == [
        "WARNING Aim tracking is off for this run, which goes on without it"
    ]
    run = only_run(repo)
    assert run.status == "complete"
    assert run.metrics["loss", "train"][-1] == (5000, None, 2.0)


def test_an_action_that_never_ends_does_not_hold_the_caller():
    writer = Writer(on_failure=lambda error: None)
    writer.submit(threading.Event().wait)
    assert not writer.finish(print, timeout_s=0.05)


def test_after_an_action_failed_all_others_are_dropped():
    errors: list[Exception] = []
    done: list[int] = []
    writer = Writer(on_failure=errors.append)
    writer.submit(lambda: done.append(1))
    writer.submit(lambda: done[5])
    writer.submit(lambda: done.append(2))
    assert writer.finish(lambda: done.append(3), timeout_s=10)
    assert done == [1]
    assert [type(error) for error in errors] == [IndexError]


def test_processes_that_start_at_once_make_one_repo(tmp_path):
    script = """
        import sys
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Outcome, open_tracker
        import aim
        print("ready", flush=True)
        tracker = open_tracker(TrackingConfig(repo=sys.argv[1]), experiment="e", run_name="r")
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
