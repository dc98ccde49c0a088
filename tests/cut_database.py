"""A database of studies whose writer died in a transaction, and lost the end of its journal."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from qa_sweep.sweep.storage import open_storage

N_TRIALS = 60
TRANSACTION = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
if sys.argv[2] == "spilled":
    database.execute("PRAGMA cache_size = 1")  # pages go to the file before the commit
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE trials SET number = number + 1000")
database.execute("CREATE TABLE more AS SELECT hex(randomblob(2000)) FROM trials")
os._exit(9)
"""


def fill(url: str) -> None:
    storage = open_storage(url).backend
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    for _ in range(N_TRIALS):
        storage.create_new_trial(study_id, create_trial(state=TrialState.WAITING))


def open_and_add(url: str) -> None:
    storage = open_storage(url).backend
    study_id = storage.get_study_id_from_name("s")
    storage.create_new_trial(study_id, create_trial(state=TrialState.WAITING))
    assert len(storage.get_all_trials(study_id)) == N_TRIALS + 1


def leave_transaction(path: Path, *, is_spilled: bool) -> bytes:
    """Begin one, and die in it; what its journal holds.

    Pages of the database are written once the journal is synced, here with `is_spilled`.
    """
    fill(f"sqlite:///{path}")
    before = path.read_bytes()
    how = "spilled" if is_spilled else "in memory"
    subprocess.run([sys.executable, "-c", TRANSACTION, str(path), how], check=False)
    assert (path.read_bytes() != before) is is_spilled
    return path.with_name("studies.db-journal").read_bytes()


def has_all_trials(path: Path) -> bool:
    """Open the database and add a trial; whether all are as they were before the transaction."""
    open_and_add(f"sqlite:///{path}")
    trials = open_storage(f"sqlite:///{path}").backend.get_all_trials(1)
    return [trial.number for trial in trials] == list(range(N_TRIALS + 1))


def with_journal_cut(folder: Path, tail: Iterable[int], *, is_spilled: bool) -> Iterator[Path]:
    """Databases whose journal has lost as many bytes as `tail` says, or half, or all."""
    path = folder / "studies.db"
    whole = leave_transaction(path, is_spilled=is_spilled)
    for n_bytes in [*tail, len(whole) // 2, len(whole)]:
        place = folder / str(n_bytes)
        place.mkdir()
        shutil.copy(path, place)
        (place / "studies.db-journal").write_bytes(whole[: len(whole) - n_bytes])
        yield place / "studies.db"
        shutil.rmtree(place)
