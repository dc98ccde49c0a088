"""Runs are read back without Aim's index, whatever state they and the repo are in."""

import itertools
import math
import shutil
from pathlib import Path

import pytest
from aim.storage.rockscontainer import RocksContainer
from tracking_helpers import empty_repo, in_new_process, repo, start

from qa_sweep.errors import OutputError
from qa_sweep.tracking import (
    AnsweredQuestion,
    Outcome,
    Subset,
    chunk,
    read_runs,
    read_summaries,
)
from qa_sweep.tracking.chunk import open_at_once
from qa_sweep.tracking.reader import RunSummary, UnreadableRun, read_summary, scan

__all__ = ["empty_repo", "repo"]  # fixtures


def make_run(repo: Path, loss: float = 1.0) -> str:
    tracker = start(repo)
    tracker.set_params({"hparams": {"seed": 1}})
    tracker.track({"loss": 3.0}, step=2, epoch=None, subset=Subset.eval)
    tracker.track({"loss": loss, "f1": 80}, step=4, epoch=None, subset=Subset.eval)
    tracker.track({"loss": 9.0}, step=4, epoch=None, subset=Subset.train)
    tracker.track_questions([AnsweredQuestion("q", "c", "a")])
    tracker.close(Outcome.complete)
    assert tracker.run_hash is not None
    return tracker.run_hash


def test_a_summary_has_all_of_a_run_but_points_texts_and_lines(repo) -> None:
    make_run(repo)
    (summary,) = read_summaries(str(repo))
    (run,) = read_runs(str(repo))
    assert summary == RunSummary(**{name: getattr(run, name) for name in vars(summary)})
    assert summary.last == {("loss", "eval"): 1.0, ("f1", "eval"): 80.0, ("loss", "train"): 9.0}
    assert summary.params["hparams"] == {"seed": 1}
    assert (summary.status, summary.experiment) == ("complete", "study")


def test_the_last_values_are_those_of_the_points(repo) -> None:
    make_run(repo)
    (run,) = read_runs(str(repo))
    assert run.last == {key: points[-1][2] for key, points in run.metrics.items()}


def test_summaries_of_one_experiment_leave_the_others_out(repo) -> None:
    make_run(repo)
    assert read_summaries(str(repo), experiment="another") == []
    assert len(read_summaries(str(repo), experiment="study")) == 1


@pytest.mark.parametrize("part", ["meta", "seqs"])
@pytest.mark.parametrize("damage", ["gone", "cut", "no current"])
def test_damaged_runs_are_told_and_the_others_read(repo, caplog, part, damage) -> None:
    whole, broken = make_run(repo), make_run(repo)
    folder = repo / ".aim" / part / "chunks" / broken
    if damage == "gone":
        shutil.rmtree(folder)
    elif damage == "cut":
        for path in folder.glob("*.sst"):
            path.write_bytes(path.read_bytes()[:100])
    else:
        (folder / "CURRENT").write_text("MANIFEST-999999\n")
    runs = read_runs(str(repo))
    assert [run.hash for run in runs] == [whole]
    assert broken in caplog.text
    assert "cannot be read" in caplog.text


def test_a_scan_names_what_cannot_be_read_in_one_line(repo) -> None:
    broken = make_run(repo)
    (repo / ".aim/meta/chunks" / broken / "CURRENT").write_text("x\n")
    (found,) = scan(str(repo), None, read_summary)
    assert isinstance(found, UnreadableRun)
    assert found.hash == broken
    assert "\n" not in found.reason


def test_a_run_is_read_while_another_process_writes_it(repo, caplog) -> None:
    script = """
        import sys
        from pathlib import Path
        from qa_sweep.config import TrackingConfig
        from qa_sweep.tracking import Outcome, Subset, open_tracker
        settings, folder = TrackingConfig(repo=sys.argv[1]), Path(sys.argv[1], "runs/1")
        tracker = open_tracker(settings, experiment="e", run_name="r", folder=folder)
        print("ready", flush=True)
        for step in range(5000):
            tracker.track({"loss": 1.0}, step=step, epoch=None, subset=Subset.train)
        tracker.close(Outcome.complete)
    """
    process = in_new_process(script, str(repo))
    assert process.stdout.readline() == "ready\n"
    while process.poll() is None:
        for run in read_runs(str(repo)):
            points = run.metrics.get(("loss", "train"), [])
            assert [step for step, _, _ in points] == list(range(len(points)))
    (run,) = read_runs(str(repo))
    assert len(run.metrics["loss", "train"]) == 5000
    assert "cannot be read" not in caplog.text


def open_while_written(folder: Path, n_logs: float, monkeypatch) -> list[bytes]:
    """The keys seen where the writer begins another log during each of the first openings."""
    writer, openings = RocksContainer(str(folder / "meta/chunks/r")), itertools.count(1)

    def open_and_write(path: Path) -> object:
        tree, number = open_at_once(path), next(openings)
        if number <= n_logs:
            writer.db.put(b"%03d" % number, b"")
            writer.db.flush()
        return tree

    monkeypatch.setattr(chunk, "open_at_once", open_and_write)
    try:
        return list(chunk.open_tree(writer.path).container.keys())
    finally:
        writer.close()


def test_a_folder_is_opened_until_no_file_has_gone_meanwhile(tmp_path, monkeypatch) -> None:
    keys = open_while_written(tmp_path, 7, monkeypatch)
    assert keys == [b"%03d" % number for number in range(1, 8)]


def test_a_folder_that_is_written_without_a_pause_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(chunk, "OPENING_S", 0.05)
    with pytest.raises(TimeoutError, match=r"written for 0\.05 s without a pause"):
        open_while_written(tmp_path, math.inf, monkeypatch)


def test_a_repo_of_another_kind_is_refused_in_one_line(repo) -> None:
    (repo / ".aim/run_metadata.sqlite").write_text("no database" * 100)
    with pytest.raises(OutputError, match="must be a database of Aim's"):
        read_summaries(str(repo))
