"""Files as a power cut may leave them: found whole, made again, or refused by name."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cut_database import fill, has_all_trials, leave_transaction, open_and_add, with_journal_cut
from cut_helpers import (
    FINISHED,
    INTERRUPTED,
    assert_cuts,
    assert_each_has_one,
    files_in,
    matching,
)
from qa_helpers import bert_like, example

from qa_sweep import job
from qa_sweep.checkpoints import SEAL_FILE, checkpoint_at, last_whole_checkpoint, seal
from qa_sweep.config import (
    EmbeddedData,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.data.window_cache import WindowCache
from qa_sweep.errors import StudyError
from qa_sweep.run_record import RunRecord
from qa_sweep.sweep.lease import LeaseObserver
from qa_sweep.sweep.lease_stores import LeaseFiles
from qa_sweep.sweep.trial import TrialHandle
from qa_sweep.tracking.spool import Spool, read_events

CONFIG = RunConfig(
    model=TinyModel(vocabulary_size=200),
    data=EmbeddedData(n_train=32, n_eval=8),
    trainer=TrainerConfig(epochs=3, batch_size=16),
    tracking=TrackingConfig(tracker=Tracker.off),
)


class Interrupt(Exception):
    pass


class Interrupting(TrialHandle):
    """Ends its job in the last epoch."""

    def progress(self, step: int, n_steps: int, **shown: float | str) -> None:
        super().progress(step, n_steps, **shown)
        if step == n_steps - 1:
            raise Interrupt


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """What a real run has left."""
    folder: Path = tmp_path_factory.mktemp("study") / "0"
    job.run(CONFIG, folder, TrialHandle())
    return folder


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> Path:
    """What one has left that was interrupted after two checkpoints."""
    folder: Path = tmp_path_factory.mktemp("study") / "1"
    with pytest.raises(Interrupt):
        job.run(CONFIG, folder, Interrupting())
    return folder


@pytest.fixture
def copied(tmp_path) -> Callable[[Path], Path]:
    """Copies a run's folder, to be cut."""
    return lambda run: Path(shutil.copytree(run, tmp_path / "study" / run.name))


def cut(path: Path, whole: bytes, n_bytes: int) -> None:
    """Leave all but the last `n_bytes`."""
    path.write_bytes(whole[: len(whole) - n_bytes])


def test_each_file_of_a_run_has_an_expectation(finished, interrupted) -> None:
    assert_each_has_one(files_in(finished), FINISHED)
    assert_each_has_one(files_in(interrupted), INTERRUPTED)


@pytest.mark.parametrize("pattern", FINISHED)
def test_a_file_of_a_finished_run_that_was_cut_is_whole_or_refused_by_name(
    pattern, finished, copied
) -> None:
    folder = copied(finished)
    for name in matching(files_in(folder), pattern):
        assert_cuts(folder, name, FINISHED[pattern], thoroughly=False)


@pytest.mark.parametrize("pattern", INTERRUPTED)
def test_a_file_of_an_interrupted_run_that_was_cut_is_whole_or_refused_by_name(
    pattern, interrupted, copied
) -> None:
    folder = copied(interrupted)
    for name in matching(files_in(folder), pattern):
        assert_cuts(folder, name, INTERRUPTED[pattern], thoroughly=False)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", SEAL_FILE])
def test_a_checkpoint_that_was_cut_anywhere_at_its_end_is_not_used(name, tmp_path) -> None:
    contents = {"model.safetensors": bytes(200), "optimizer.pt": bytes(range(200))}
    for step in (1, 2):
        checkpoint = checkpoint_at(tmp_path / "whole", step)
        checkpoint.mkdir(parents=True)
        for file, content in contents.items():
            (checkpoint / file).write_bytes(content)
        seal(checkpoint, best_step=1)
    whole = (checkpoint_at(tmp_path / "whole", 2) / name).read_bytes()
    is_text = name == SEAL_FILE
    for n_bytes in [*range(1 + is_text, 40), len(whole)]:  # a line's end is not missed
        folder = tmp_path / str(n_bytes)
        shutil.copytree(tmp_path / "whole", folder)
        cut(checkpoint_at(folder, 2) / name, whole, n_bytes)
        assert last_whole_checkpoint(folder) == checkpoint_at(folder, 1)
        shutil.rmtree(folder)


def test_a_record_that_was_cut_anywhere_is_whole_or_refused_by_name(finished, copied) -> None:
    run_copy = copied(finished)
    path = run_copy / "result.json"
    whole = path.read_bytes()
    expected = json.loads(whole)
    cut(path, whole, 1)  # the end of the last line
    assert RunRecord.read(run_copy).result == expected
    for n_bytes in [*range(2, 500), *range(500, len(whole), 50), len(whole)]:
        cut(path, whole, n_bytes)
        with pytest.raises(StudyError, match=f"{path} must be a run's record"):
            RunRecord.read(run_copy)


def test_windows_that_were_cut_anywhere_at_their_end_are_made_again(tmp_path, caplog) -> None:
    tokenizer = bert_like()
    cache = WindowCache(tokenizer, tmp_path)
    expected = cache.prepare([example("London")], 64, 12)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    for n_bytes in [*range(1, 60), len(whole)]:
        cut(entry, whole, n_bytes)
        caplog.clear()
        found = cache.prepare([example("London")], 64, 12)
        assert all((getattr(found, n) == getattr(expected, n)).all() for n in vars(expected))
        assert f"windows in {entry} are damaged" in caplog.text
        assert entry.read_bytes() == whole


def test_a_lease_that_was_cut_anywhere_says_nothing_and_ages(tmp_path) -> None:
    store = LeaseFiles(tmp_path)
    store.write(3, {"machine": "elsewhere", "pid": 1, "started": "0", "beat": 1})
    path = tmp_path / "3.json"
    whole = path.read_bytes()
    for n_bytes in range(1, len(whole) + 1):
        cut(path, whole, n_bytes)
        observer = LeaseObserver(store, timeout_s=0.002)
        assert not observer.is_dead(3)
        time.sleep(0.003)
        assert observer.is_dead(3)


def test_a_runs_events_that_were_cut_anywhere_lose_no_more_than_the_last(tmp_path) -> None:
    path = tmp_path / "tracking.jsonl"
    events = [
        {"do": "metrics", "time": 1.5, "values": {"loss": 1.0}, "step": 1, "epoch": None,
         "subset": "train"}
    ] * 2  # fmt: skip
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    whole = path.read_bytes()
    line = len(whole) // 2
    for n_bytes in range(1, line + 1):
        cut(path, whole, n_bytes)
        spool = Spool(tmp_path)
        assert spool.take(0)
        spool.append(events[0] | {"step": 2})
        spool.close()
        assert [event["step"] for event in read_events(path, spool.size)] == [1, 2]


def test_a_database_that_was_cut_anywhere_at_its_end_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "studies.db"
    fill(f"sqlite:///{path}")
    whole = path.read_bytes()
    for n_bytes in (1, 2, 100, 4095, 4096, 4097, 8192, len(whole) // 2, len(whole) - 100):
        cut(path, whole, n_bytes)
        with pytest.raises(StudyError, match=f"{path} must be a database of studies"):
            open_and_add(f"sqlite:///{path}")
    path.write_bytes(whole)
    open_and_add(f"sqlite:///{path}")


def test_a_database_whose_writer_was_killed_in_a_transaction_opens_and_takes_trials(
    tmp_path,
) -> None:
    """What was begun is rolled back from the journal that SQLite keeps beside it."""
    path = tmp_path / "studies.db"
    leave_transaction(path, is_spilled=True)
    assert has_all_trials(path)


def test_a_transactions_journal_that_was_cut_loses_no_trial(tmp_path) -> None:
    """Before it is synced, of which the power may take any part, the database is as it was."""
    for path in with_journal_cut(tmp_path, [1, 9], is_spilled=False):
        assert has_all_trials(path)


def test_a_database_whose_synced_journal_has_lost_its_end_is_refused_by_name(tmp_path) -> None:
    """As no power cut leaves it, but a disk that does not keep what it said it had."""
    for path in with_journal_cut(tmp_path, [4000], is_spilled=True):
        with pytest.raises(StudyError, match=f"{path} must be a database of studies"):
            has_all_trials(path)
