"""What a tracker could not write waits in the run's folder, and comes to its run nothing twice."""

import json
import logging
import multiprocessing
import os
import shutil
import signal
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
from tracking_helpers import (
    REPORTS,
    comparable,
    empty_repo,
    holds,
    in_new_process,
    only_run,
    repo,
    report,
    start,
    stored,
    undisturbed,
    wait_for,
)

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import Outcome, Subset, open_tracker, read_runs
from qa_sweep.tracking.settling import is_at_work, set_outcome, settle, unsettled

__all__ = ["empty_repo", "repo", "undisturbed"]  # fixtures

SPOOL = "tracking.jsonl"
HASH = "0" * 24
TRAIN = {"subset": "train"}
WRITER = "qa_sweep.tracking.writer"


def block(repo: Path) -> None:
    """Make the repo one that cannot be written."""
    (repo / ".aim" / "VERSION").write_text("99.0\n")


def unblock(repo: Path) -> None:
    (repo / ".aim" / "VERSION").write_text("1.3\n")


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == WRITER]


@pytest.fixture
def left(repo, caplog) -> Path:
    """The folder of a run that is over and was never written."""
    block(repo)
    tracker = start(repo, run_hash=HASH)
    report(tracker)
    wait_for(lambda: holds(repo / "runs" / "7" / SPOOL, '"usage"'))
    tracker.close(Outcome.complete)
    unblock(repo)
    caplog.clear()
    return repo / "runs" / "7"


def test_the_spool_is_there_while_the_tracker_is_at_work_and_gone_after_a_clean_close(repo):
    tracker = start(repo)
    folder = repo / "runs" / "7"
    wait_for((folder / SPOOL).exists)
    assert unsettled(repo / "runs") == [folder]
    assert is_at_work(folder)
    assert not settle(folder, Outcome.failed)
    tracker.close(Outcome.complete)
    assert list(folder.iterdir()) == []
    assert not is_at_work(folder)
    assert settle(folder, Outcome.failed)
    assert only_run(repo).status == "complete"


def test_a_repo_of_another_aim_costs_one_warning_and_nothing_is_lost(repo, caplog, undisturbed):
    block(repo)
    tracker = start(repo, run_hash=HASH)
    report(tracker)
    tracker.close(Outcome.complete)
    (warning,) = warnings_of(caplog)
    assert "of another Aim (99.0)" in warning
    assert str(repo / "runs" / "7" / SPOOL) in warning
    assert read_runs(str(repo)) == []
    unblock(repo)
    assert unsettled(repo / "runs") == [repo / "runs" / "7"]
    assert settle(repo / "runs" / "7", Outcome.interrupted)
    assert unsettled(repo / "runs") == []
    assert comparable(only_run(repo)) == undisturbed
    assert only_run(repo).hash == tracker.run_hash


def test_a_run_is_written_later_with_the_times_that_it_had(left, repo):
    times = [json.loads(line)["time"] for line in (left / SPOOL).read_text().splitlines()]
    assert settle(left, Outcome.failed)
    assert only_run(repo).end_time == times[-1]
    assert {time for _, _, time in stored(repo, HASH, "loss", TRAIN)} <= set(times)
    with sqlite3.connect(repo / ".aim" / "run_metadata.sqlite") as database:
        ((created_at,),) = database.execute("SELECT created_at FROM run")
    assert datetime.fromisoformat(f"{created_at}+00:00").timestamp() == pytest.approx(times[0])


def test_what_is_written_twice_is_there_once(left, repo, undisturbed):
    spool = (left / SPOOL).read_bytes()
    assert settle(left, Outcome.failed)
    usage = stored(repo, HASH, "__system__cpu", {})
    assert len(usage) == spool.count(b'"usage"') > 0
    (left / SPOOL).write_bytes(spool + spool)
    assert settle(left, Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed
    assert stored(repo, HASH, "__system__cpu", {}) == usage


def test_a_repo_that_still_cannot_be_written_costs_one_warning_and_keeps_the_spool(
    left, repo, caplog
):
    block(repo)
    spool = (left / SPOOL).read_bytes()
    assert not settle(left, Outcome.failed)
    assert len(caplog.records) == 1
    assert (left / SPOOL).read_bytes() == spool


def test_a_run_settles_in_another_repo_if_told_so(left, repo, tmp_path_factory, undisturbed):
    other = tmp_path_factory.mktemp("other")
    assert settle(left, Outcome.failed, repo=str(other))
    assert read_runs(str(repo)) == []
    assert comparable(only_run(other)) == undisturbed


def test_a_torn_last_line_is_cut_and_broken_ones_are_skipped_with_one_warning(
    left, repo, caplog, undisturbed
):
    lines = (left / SPOOL).read_bytes().splitlines(keepends=True)
    broken = [b"\x00" * 50 + b"\n", b'{"do": "metrics"}\n', b'{"do": "rm"}\n', b"[1]\n"]
    torn = [*lines[:2], *broken, *lines[2:], b'{"do": "metr']
    (left / SPOOL).write_bytes(b"".join(torn))
    assert settle(left, Outcome.failed)
    assert [record.getMessage() for record in caplog.records] == [
        f"{left / SPOOL} holds 4 broken lines, which are left out"
    ]
    assert comparable(only_run(repo)) == undisturbed


@pytest.mark.parametrize("content", [b"", b'{"do": "op', b'{"do": "close"}\n'])
def test_a_spool_without_a_beginning_is_settled_at_once(repo, content):
    folder = repo / "runs" / "7"
    folder.mkdir(parents=True)
    (folder / SPOOL).write_bytes(content)
    assert settle(folder, Outcome.failed)
    assert unsettled(repo / "runs") == []
    assert read_runs(str(repo)) == []


KILLED = """
    import os, signal, sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from tracking_helpers import report, start
    from qa_sweep.tracking import Subset
    tracker = start(Path(sys.argv[1]), run_hash="0" * 24)
    report(tracker)
    spool = Path(sys.argv[1], "runs/7/tracking.jsonl")
    while not spool.exists() or b"question 9" not in spool.read_bytes():
        time.sleep(0.01)
    print("at work", flush=True)
    sys.stdin.read(1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("is_writable", [True, False])
def test_a_killed_run_is_settled_with_all_that_it_reported(
    repo, undisturbed, is_writable, monkeypatch
):
    if not is_writable:
        block(repo)
    process = in_new_process(KILLED, str(repo), str(Path(__file__).parent))
    folder = repo / "runs" / "7"
    assert process.stdout.readline() == "at work\n", process.communicate()
    assert is_at_work(folder)
    assert not settle(folder, Outcome.failed)
    process.communicate("x", timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not is_at_work(folder)
    unblock(repo)
    assert settle(folder, Outcome.interrupted, "killed")
    run = only_run(repo)
    assert (run.status, run.tags, run.params["error"]) == (
        "interrupted",
        ("interrupted",),
        "killed",
    )
    assert run.end_time is not None
    expected = undisturbed
    assert comparable(run)["metrics"] == expected["metrics"]
    assert comparable(run)["texts"] == expected["texts"]
    assert not list((repo / ".aim" / "meta" / "progress").iterdir())
    assert not list((repo / ".aim" / "locks").iterdir())


def test_a_continued_run_begins_with_what_its_earlier_attempt_has_left(left, repo, undisturbed):
    tracker = start(repo, run_hash=HASH)
    tracker.track({"loss": 9.0}, step=9999, epoch=None, subset=Subset.train)
    logging.getLogger("report").warning("again")
    tracker.close(Outcome.diverged)
    run = only_run(repo)
    assert (run.hash, run.status, run.tags) == (HASH, "diverged", ("diverged",))
    *points, last = run.metrics["loss", "train"]
    assert last == (9999, None, 9.0)
    assert points == undisturbed["metrics"]["loss", "train"]
    assert comparable(run)["logs"] == [*undisturbed["logs"], "again"]
    assert unsettled(repo / "runs") == []


def test_a_new_run_in_the_folder_of_a_killed_one_is_another(left, repo, undisturbed):
    lines = (left / SPOOL).read_bytes().splitlines(keepends=True)
    (left / SPOOL).write_bytes(b"".join(lines[:-1]))  # without its end
    tracker = start(repo)
    tracker.track({"loss": 9.0}, step=1, epoch=None, subset=Subset.train)
    tracker.close(Outcome.complete)
    killed, new = read_runs(str(repo))
    assert (killed.hash, killed.status) == (HASH, "interrupted")
    assert killed.end_time == json.loads(lines[-2])["time"]
    assert comparable(killed)["metrics"] == undisturbed["metrics"]
    assert (new.hash, new.status) == (tracker.run_hash, "complete")
    assert new.metrics == {("loss", "train"): [(1, None, 9.0)]}


def test_of_two_that_settle_at_once_one_does(left, repo, undisturbed):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = [pool.apply_async(settle, (left, Outcome.failed)) for _ in range(2)]
        assert any(result.get(60) for result in results)
    assert comparable(only_run(repo)) == undisturbed
    assert unsettled(repo / "runs") == []


def test_a_forked_child_does_not_pass_for_the_tracker(repo):
    from qa_sweep.tracking.spool import Spool

    folder = repo / "runs" / "7"
    spool = Spool(folder)
    assert spool.take(0, make=True)
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        assert is_at_work(folder)
        spool.close()
        wait_for(lambda: not is_at_work(folder))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_run_is_tracked_without_a_folder_for_its_spool(repo, caplog, undisturbed):
    (repo / "runs").write_text("not a folder")
    tracker = start(repo)
    report(tracker)
    tracker.close(Outcome.complete)
    assert warnings_of(caplog) == []
    assert comparable(only_run(repo)) == undisturbed


def test_without_a_folder_for_the_spool_either_the_warning_says_so(repo, caplog):
    block(repo)
    (repo / "runs").write_text("not a folder")
    tracker = start(repo)
    report(tracker)
    tracker.close(Outcome.complete)
    (warning,) = warnings_of(caplog)
    assert "Nothing of it can be kept (NotADirectoryError" in warning


def test_a_repo_that_is_removed_in_mid_run_is_made_anew_with_all_of_the_run(
    repo, caplog, undisturbed
):
    tracker = start(repo, run_hash=HASH)
    report(tracker)
    wait_for(lambda: [len(run.texts) for run in read_runs(str(repo))] == [4 * 10])
    shutil.rmtree(repo / ".aim")
    tracker.close(Outcome.complete)
    (warning,) = warnings_of(caplog)
    assert "tracking is off" in warning
    assert settle(repo / "runs" / "7", Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed


def test_a_repo_that_stays_locked_costs_one_warning(repo, caplog, monkeypatch, undisturbed):
    from filelock import SoftFileLock

    from qa_sweep.tracking import aim_repo

    monkeypatch.setattr(aim_repo, "LOCK_TIMEOUT_S", 0.2)
    with SoftFileLock(repo / ".aim" / "locks" / "structured_db_lock"):
        tracker = start(repo)
        report(tracker)
        tracker.close(Outcome.complete)
    (warning,) = warnings_of(caplog)
    assert "lock" in warning
    assert settle(repo / "runs" / "7", Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed


def test_who_is_told_to_end_does_not_wait_for_an_aim_that_hangs(repo, caplog, monkeypatch):
    from filelock import SoftFileLock

    from qa_sweep.tracking import aim_tracker

    monkeypatch.setattr(aim_tracker, "INTERRUPTED_TIMEOUT_S", 0.5)
    with SoftFileLock(repo / ".aim" / "locks" / "structured_db_lock"):  # it waits for 20 s
        tracker = start(repo)
        tracker.track({"loss": 1.0}, step=1, epoch=None, subset=Subset.train)
        tracker.close(Outcome.interrupted)
    (warning,) = warnings_of(caplog)
    assert "not closed within 0.5 s" in warning
    assert '"do": "close", "outcome": "interrupted"' in (repo / "runs/7" / SPOOL).read_text()


def test_a_lock_that_a_killed_process_has_left_is_broken(repo, monkeypatch):
    from qa_sweep.tracking import aim_repo

    monkeypatch.setattr(aim_repo, "LOCK_TIMEOUT_S", 0.2)
    lock = repo / ".aim" / "locks" / "structured_db_lock"
    lock.touch()
    os.utime(lock, (0, 0))
    start(repo).close(Outcome.complete)
    assert only_run(repo).status == "complete"


def test_an_outcome_is_replaced_and_the_end_of_the_run_is_not(repo):
    tracker = start(repo)
    report(tracker)
    tracker.close(Outcome.failed, "ran out")
    before = only_run(repo)
    assert set_outcome(str(repo), before.hash, Outcome.pruned)
    after = only_run(repo)
    assert (after.status, after.tags, after.params.get("error")) == ("pruned", ("pruned",), None)
    assert (after.end_time, after.metrics) == (before.end_time, before.metrics)
    assert set_outcome(str(repo), before.hash, Outcome.failed, "<b>")
    assert only_run(repo).params["error"] == "‹b›"


def test_a_run_that_is_not_there_has_no_outcome_to_replace(repo, caplog):
    assert not set_outcome(str(repo), HASH, Outcome.pruned)
    assert "there is no such run" in caplog.text
    assert read_runs(str(repo)) == []


def test_events_that_wait_in_memory_are_limited(tmp_path, monkeypatch):
    from qa_sweep.tracking import spool as module

    monkeypatch.setattr(module, "MAX_PENDING", 5)
    spool = module.Spool(tmp_path)
    for number in range(8):
        spool.append({"number": number})
    assert spool.n_lost == 3


def test_importing_settling_imports_no_aim():
    script = """
        import sys, qa_sweep.tracking.settling
        print({"aim", "transformers", "torch"} & set(sys.modules))
    """
    assert in_new_process(script).communicate()[0].strip() == "set()"


def test_questions_are_told_apart_by_result(repo):
    tracker = start(repo)
    tracker.track_questions(REPORTS)
    tracker.close(Outcome.complete)
    from qa_sweep.tracking.reader import open_tree

    meta = open_tree(repo / ".aim" / "meta" / "chunks" / str(tracker.run_hash))
    contexts = meta.subtree(("meta", "chunks", tracker.run_hash)).get("contexts", None).values()
    assert {(found["result"], found["source"]) for found in contexts if found} == {
        ("right", "questions"),
        ("partly", "held-out"),
        ("wrong", "questions"),
        ("unknown", "questions"),
    }
    scores = sorted(text for name, _, _, text in only_run(repo).texts if name == "score")
    assert scores == ["EM 0, F1 0", "EM 0, F1 0.67", "EM 1, F1 1"]


def test_a_tracker_that_is_never_closed_is_closed_at_exit(repo):
    script = """
        import sys
        from pathlib import Path
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Subset, open_tracker
        folder = Path(sys.argv[1])
        config = TrackingConfig(repo=sys.argv[1])
        tracker = open_tracker(config, experiment="e", run_name="r", folder=folder / "runs/1")
        tracker.track({"loss": 1.0}, step=1, epoch=None, subset=Subset.train)
    """
    output, errors = in_new_process(script, str(repo)).communicate(timeout=60)
    assert (output, errors) == ("", "")
    assert only_run(repo).status == "interrupted"
    assert unsettled(repo / "runs") == []


def test_a_folder_is_the_runs_own(repo, tmp_path, monkeypatch):
    """The repo of a spool holds whatever the working directory is."""
    monkeypatch.chdir(repo)
    config = TrackingConfig(repo=".")
    tracker = open_tracker(config, experiment="e", run_name="r", folder=Path("runs/1"))
    wait_for((repo / "runs/1" / SPOOL).exists)
    wait_for(lambda: (repo / "runs/1" / SPOOL).stat().st_size > 0)
    opening = json.loads((repo / "runs/1" / SPOOL).read_text().splitlines()[0])
    assert opening["repo"] == str(repo)
    tracker.close(Outcome.complete)
