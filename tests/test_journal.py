"""A journal: what it survives of writers that die, and who may write."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from study_workers import Processes, processes

from qa_sweep.errors import StudyError
from qa_sweep.sweep.journal import open_journal

WAITING = create_trial(state=TrialState.WAITING)


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "studies.log"


@pytest.fixture
def crew() -> Iterator[Processes]:
    with processes() as crew:
        yield crew


def open_log(path: Path) -> JournalStorage:
    return open_journal(path, path.with_name(".beside"))


def fill(storage: BaseStorage) -> int:
    """Make a study with three tickets; return its id."""
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    for _ in range(3):
        storage.create_new_trial(study_id, WAITING)
    return study_id


def test_a_journal_that_was_cut_anywhere_goes_on(log_path) -> None:
    study_id = fill(open_log(log_path))
    whole = log_path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for end in range(len(whole) - len(lines[-1]) - len(lines[-2]), len(whole) + 1):
        log_path.write_bytes(whole[:end])
        n_whole = whole[:end].count(b"\n") - 1  # tickets, after the study
        storage = open_log(log_path)
        assert len(storage.get_all_trials(study_id)) == n_whole
        storage.create_new_trial(study_id, WAITING)
        again = open_log(log_path).get_all_trials(study_id)
        assert [trial.state for trial in again] == [TrialState.WAITING] * (n_whole + 1)


@pytest.mark.parametrize("torn", [b'{"op_co', b"\0" * 600, b'{"op_code":4,\n', b"\n\n", b"5\n"])
def test_what_a_dying_writer_left_is_cut_off_before_the_next_record(torn, log_path, caplog) -> None:
    storage = open_log(log_path)
    study_id = fill(storage)
    with log_path.open("ab") as log:
        log.write(torn)
    with caplog.at_level(logging.WARNING):
        storage.create_new_trial(study_id, WAITING)
    assert f"ended in half a record: {len(torn)} bytes were cut off" in caplog.text
    assert len([record for record in caplog.records if record.name.startswith("qa_sweep")]) == 1
    assert len(open_log(log_path).get_all_trials(study_id)) == 4
    assert len(JournalStorage(JournalFileBackend(str(log_path))).get_all_trials(study_id)) == 4


def test_a_record_longer_than_a_block_is_known_as_whole(log_path) -> None:
    storage = open_log(log_path)
    storage.set_study_user_attr(fill(storage), "long", "x" * 20_000)
    size = log_path.stat().st_size
    assert open_log(log_path).get_study_user_attrs(0) == {"long": "x" * 20_000}
    assert log_path.stat().st_size == size


def test_a_journal_that_is_damaged_inside_is_refused_with_the_line(log_path) -> None:
    fill(open_log(log_path))
    lines = log_path.read_bytes().splitlines(keepends=True)
    log_path.write_bytes(b"".join([lines[0], lines[1][:9] + lines[2], lines[3]]))
    with pytest.raises(StudyError, match="line 2 is no record"):
        open_log(log_path)


def append_and_hang(path: Path) -> None:
    """Die with the journal's lock held."""
    storage = open_log(path)
    storage._backend._lock.acquire()
    (path.parent / "held").touch()
    time.sleep(600)


def test_the_journal_lock_of_a_dead_process_is_broken_at_once(log_path, crew) -> None:
    study_id = fill(open_log(log_path))
    writer = crew.start(append_and_hang, log_path)
    wait_until((log_path.parent / "held").exists)
    crew.kill(writer)
    begun = time.monotonic()
    assert open_log(log_path).create_new_trial(study_id, WAITING) == 3
    assert time.monotonic() - begun < 5
    assert not (log_path.parent / "studies.log.lock").is_symlink()


def test_the_journal_lock_of_another_machine_is_broken_when_it_is_old(
    log_path, monkeypatch
) -> None:
    monkeypatch.setattr("qa_sweep.sweep.journal._TIMEOUT_S", 1.0)
    storage = open_log(log_path)
    study_id = fill(storage)
    lock = {"token": "other", "machine": "elsewhere", "pid": 1, "started": "0"}
    (log_path.parent / "studies.log.lock").symlink_to(json.dumps(lock))
    begun = time.monotonic()
    storage.create_new_trial(study_id, WAITING)
    assert 1 <= time.monotonic() - begun < 20


def add_tickets(path: Path, n_tickets: int) -> None:
    storage = open_log(path)
    study_id = storage.get_study_id_from_name("s")
    for _ in range(n_tickets):
        storage.create_new_trial(study_id, WAITING)


def test_two_writers_lose_no_record(log_path, crew) -> None:
    study_id = fill(open_log(log_path))
    writers = [crew.start(add_tickets, log_path, 100) for _ in range(3)]
    for writer in writers:
        writer.join()
    assert len(open_log(log_path).get_all_trials(study_id)) == 303


def test_a_ticket_that_was_handed_back_is_claimed_by_one_of_two(log_path) -> None:
    """Optuna takes a claim for ours if the last claim that was ours is of the same trial."""
    first, second = open_log(log_path), open_log(log_path)
    fill(first)
    first.set_trial_state_values(0, TrialState.RUNNING)
    first.set_trial_state_values(0, TrialState.WAITING)
    append = first._backend.append_logs

    def append_second(logs: list) -> None:
        """The other is faster by a moment."""
        first._backend.append_logs = append
        assert second.set_trial_state_values(0, TrialState.RUNNING)
        append(logs)

    first._backend.append_logs = append_second
    assert not first.set_trial_state_values(0, TrialState.RUNNING)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it does not come about in a minute"
        time.sleep(0.02)
