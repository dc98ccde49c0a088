"""SQLite: studies in a file beside the results, for the processes of one machine."""

import sqlite3
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
        storage = RDBStorage("sqlite:///studies.db", engine_kwargs={"creator": connect})
    except (SQLAlchemyError, RuntimeError) as error:
        raise StudyError(f"{path} must be a database of studies: {first_line(error)}") from error
    _begin_immediately(storage.engine)
    return storage


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
