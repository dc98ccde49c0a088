"""Journal: studies as a file of records, in a folder that several machines may share."""

import json
import logging
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from qa_sweep.errors import StudyError
from qa_sweep.sweep.lease import LeaseObserver, this_process
from qa_sweep.sweep.lease_stores import LeaseLink

log = logging.getLogger(__name__)

_TIMEOUT_S = 30.0  # Optuna's; a record takes well under one
_LONGEST_PAUSE_S = 0.1
_BLOCK = 4096
_BEGINNING = b'{"op_code":'


def open_journal(path: Path, beside: Path) -> JournalStorage:
    """Open the journal at `path`, or make it. Raises StudyError where the file is none."""
    try:
        lock = _JournalLock(path, beside)
        backend = JournalFileBackend(str(path), lock)
        _check_beginning(path)
        lock.acquire()
        lock.release()
        return _Journal(backend)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise StudyError(
            f"{path} must be a journal of Optuna, but {_first_fault(path)}; name another file"
        ) from error
    except OSError as error:
        raise StudyError(
            f"{path} must be in a folder that can be written and takes symbolic links: {error}"
        ) from error


class _Journal(JournalStorage):
    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        # Optuna takes a claim for ours if the last one that was is of the same trial, which we may
        # have handed back in the meantime.
        with self._thread_lock:
            replayed = self._replay_result
            replayed._worker_id_to_owned_trial_id.pop(replayed.worker_id, None)
        return super().set_trial_state_values(trial_id, state, values)


class _JournalLock(JournalFileSymlinkLock):
    """Optuna's lock of a journal, a link beside it, which here names its holder.

    That of a dead process is broken at once. Whoever takes the lock also cuts off what a writer
    that died has left: a record after half a record makes the study unreadable.
    """

    def __init__(self, path: Path, beside: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._beside = beside
        self._link = LeaseLink(path.with_name(f"{path.name}.lock"))

    def acquire(self) -> bool:
        observer = LeaseObserver(self._link, _TIMEOUT_S)
        pause_s = 0.001
        while not self._take():
            seen = self._link.read()
            if observer.is_dead(0):
                self._break(seen)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        try:
            cut_torn_tail(self._path)
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        if self._link.read().get("token") == self._token:  # nobody took us for dead
            self._link.remove()

    def _take(self) -> bool:
        self._token = uuid.uuid4().hex
        try:
            self._link.write(0, {"token": self._token, **this_process()})
        except FileExistsError:
            return False
        return True

    def _break(self, dead: dict[str, object]) -> None:
        self._beside.mkdir(parents=True, exist_ok=True)
        with FileLock(self._beside / "break.lock"):  # of two, the second would break a new one
            if self._link.read() == dead:
                self._link.remove()


def cut_torn_tail(path: Path) -> None:
    """Cut the file's end off where it is no whole record."""
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = _start_of_line(file, end)
            file.seek(start)
            if _is_record(file.read(end - start)):
                break
            end = start
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
            log.warning("%s ended in half a record: %d bytes were cut off", path, size - end)


def _start_of_line(file: BinaryIO, end: int) -> int:
    """Where the line begins whose last byte is before `end`."""
    start = end - 1
    while start > 0:
        before = max(0, start - _BLOCK)
        file.seek(before)
        newline = file.read(start - before).rfind(b"\n")
        if newline >= 0:
            return before + newline + 1
        start = before
    return 0


def _is_record(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and "op_code" in json.loads(line)
    except (ValueError, TypeError):
        return False


def _check_beginning(path: Path) -> None:
    """Raises ValueError for a file that was never a journal, which must not lose its end."""
    with path.open("rb") as file:
        beginning = file.read(len(_BEGINNING))
    if beginning != _BEGINNING[: len(beginning)]:
        raise ValueError(beginning)


def _first_fault(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not _is_record(line):
                return f"line {number} is no record"
    return "its records do not fit together"
