"""Storage: where studies live. SQLite beside the results, or a database by URL."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy.engine import make_url

from qa_sweep.errors import OutputError, StudyError
from qa_sweep.sweep.lease import LeaseStore
from qa_sweep.sweep.lease_stores import LeaseAttributes, LeaseFiles
from qa_sweep.sweep.lock import StorageLock

SQLITE_FILE = "studies.db"
_BUSY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class StudyStorage:
    """An opened storage, and how the processes that share it come to terms.

    `beside` is the folder for locks and leases where the storage is a file, and None where it is a
    server, which keeps them itself.
    """

    backend: BaseStorage
    beside: Path | None

    def lock(self, name: str) -> AbstractContextManager[object]:
        """The lock of study `name`."""
        if self.beside is None:
            return StorageLock(self.backend, name)
        self.beside.mkdir(parents=True, exist_ok=True)
        return FileLock(self.beside / f"{name}.lock")

    def leases(self, name: str) -> LeaseStore:
        """The leases of the study `name`, which must exist."""
        if self.beside is None:
            return LeaseAttributes(self.backend, self.backend.get_study_id_from_name(name))
        return LeaseFiles(self.beside / name)


def default_storage_url(results: Path) -> str:
    """URL of the SQLite file beside the results."""
    return f"sqlite:///{results.resolve() / SQLITE_FILE}"


def open_storage(url: str) -> StudyStorage:
    """Open the storage at `url`; an SQLite file and its folder are made where they are missing.

    Raises OutputError where the SQLite file cannot be written, StudyError for any other storage
    that cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        parsed = make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        raise StudyError(
            "hydra.sweeper.storage must be a database URL such as sqlite:///studies.db"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        _check_sqlite_file(path)
        with FileLock(path.with_name(f".{path.name}.lock")):  # two at once would both make tables
            storage = _open_sqlite(url)
        return StudyStorage(get_storage(storage), path.with_name(f".{path.stem}"))
    storage = _open_database(url, parsed.render_as_string(hide_password=True))
    return StudyStorage(get_storage(storage), None)


def _check_sqlite_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} must be a folder that can be made: {error}") from error
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} must be writable; choose another folder: hydra.sweep.dir=…")


def _open_sqlite(url: str) -> RDBStorage:
    try:
        storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_TIMEOUT_S}})
    except (sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
        raise StudyError(f"{url} must be a database of studies: {_first_line(error)}") from error
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


def _open_database(url: str, shown_url: str) -> RDBStorage:
    try:
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, RuntimeError) as error:
        raise StudyError(f"{shown_url} cannot be opened: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
