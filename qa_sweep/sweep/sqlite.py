"""SQLite: studies in a file beside the results, for the processes of one machine."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy
from filelock import FileLock
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy.exc import SQLAlchemyError

from qa_sweep.errors import StudyError
from qa_sweep.sweep.patience import first_line

_BUSY_TIMEOUT_S = 60.0


def open_sqlite(path: Path) -> BaseStorage:
    """Open the file at `path`, or make it. Raises StudyError where it is no database of studies."""
    with FileLock(path.with_name(f".{path.name}.lock")):  # two at once would both make tables
        return get_storage(_open(path))


def _open(path: Path) -> RDBStorage:
    def connect() -> sqlite3.Connection:
        # Threads take turns with a connection of the pool; each transaction is one thread's.
        return sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)

    try:  # in a URL some of the characters of a path would have another meaning
        _check(path)
        storage = RDBStorage("sqlite:///studies.db", engine_kwargs={"creator": connect})
    except (SQLAlchemyError, RuntimeError, sqlite3.DatabaseError) as error:
        raise StudyError(f"{path} must be a database of studies: {first_line(error)}") from error
    _begin_immediately(storage.engine)
    return storage


def _check(path: Path) -> None:
    """Raise DatabaseError where the file has lost its end, which else shows in mid-sweep."""
    with closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as connection:
        (n_pages,), (page_size,) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
        )
        found = path.stat().st_size
    if found < n_pages * page_size:
        raise sqlite3.DatabaseError(f"it has lost {n_pages * page_size - found} bytes at its end")


def _begin_immediately(engine: sqlalchemy.Engine) -> None:
    """Take SQLite's write lock at the start of each transaction.

    SQLite ignores `SELECT … FOR UPDATE`, so that two processes would claim one ticket
    (optuna#4994). The two events are SQLAlchemy's own recipe for pysqlite.
    """
    engine.dispose()  # connections opened before the events were set do not have them

    @sqlalchemy.event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _begin(connection):  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
