"""Storage: where studies live: in a file, or on a server that several machines share."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage

from qa_sweep.errors import OutputError
from qa_sweep.sweep.databases import open_database
from qa_sweep.sweep.journal import open_journal
from qa_sweep.sweep.lease import LeaseStore
from qa_sweep.sweep.lease_stores import LeaseAttributes, LeaseFiles
from qa_sweep.sweep.lock import SUFFIX, StorageLock, study_of_lock
from qa_sweep.sweep.proxy import open_proxy
from qa_sweep.sweep.sqlite import open_sqlite
from qa_sweep.sweep.storage_url import GRPC, SQLITE, file_of, kind_of, read_server_url

SQLITE_FILE = "studies.db"


@dataclass(frozen=True)
class StudyStorage:
    """An opened storage, and how the processes that share it come to terms.

    `beside` is the folder for leases where the storage is a file, and None where it is a server,
    which keeps them itself. Locks of files hold only for those who are all on one machine.
    """

    backend: BaseStorage
    beside: Path | None
    is_on_one_machine: bool = False

    def lock(self, name: str) -> AbstractContextManager[object]:
        """The lock of study `name`, which need not exist."""
        if self.is_on_one_machine and self.beside is not None:
            self.beside.mkdir(parents=True, exist_ok=True)
            return FileLock(self.beside / f"{name}.lock")
        study_id = study_of_lock(self.backend, name + SUFFIX)
        return StorageLock(self.backend, study_id, self.leases(name + SUFFIX))

    def leases(self, name: str) -> LeaseStore:
        """The leases of the study `name`, which must exist."""
        if self.beside is None:
            return LeaseAttributes(self.backend, self.backend.get_study_id_from_name(name))
        return LeaseFiles(self.beside / name)


def default_storage_url(results: Path) -> str:
    """URL of the SQLite file beside the results."""
    return f"sqlite:///{results.resolve() / SQLITE_FILE}"


def open_storage(url: str, patience_s: float = 0.0) -> StudyStorage:
    """Open the storage at `url`; a file and its folder are made where they are missing.

    A server that is away is waited for for `patience_s` seconds; once it has answered, each call
    waits for it for some minutes. Raises OutputError where a file cannot be written, StudyError for
    any other storage that cannot be opened; no message holds a password.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kind, path = kind_of(url), file_of(url)
    if path is None:
        server = read_server_url(url)
        if kind == GRPC:
            return StudyStorage(open_proxy(server, patience_s), None)
        return StudyStorage(open_database(kind, server, patience_s), None)
    _check_file(path)
    if kind == SQLITE:
        return StudyStorage(open_sqlite(path), path.with_name(f".{path.stem}"), True)
    beside = path.with_name(f".{path.name}")
    return StudyStorage(open_journal(path, beside), beside)


def _check_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} must be a folder that can be made: {error}") from error
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} must be writable; choose another folder: hydra.sweep.dir=…")
