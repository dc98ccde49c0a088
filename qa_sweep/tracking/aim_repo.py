"""Opens Aim's repo, and makes it where there is none."""

import logging
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aim.sdk.data_version import DATA_VERSION
from aim.sdk.repo import Repo
from aim.storage.structured import db

from qa_sweep.leftovers import remove_leftovers
from qa_sweep.tracking.aim_exit import close_in_this_thread
from qa_sweep.tracking.aim_process import complaint_of, run_migration
from qa_sweep.tracking.aim_remote import SCHEME, call_directly

for name in ("aim.sdk.reporter", "aim.sdk.lock_manager", "aim.ext.transport"):
    logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it is raised too

LOCK_TIMEOUT_S = 20  # Aim's own five minutes would hold up a run behind a dead process's lock
OLD_LOCK_S = 300
_MIGRATIONS = Path(db.__file__).parents[1] / "migrations" / "alembic.ini"
UNFINISHED = ".aim.unfinished-"  # a name that no user would give to a copy of a repo


def _upgrade_database(url: str) -> None:
    """Make the tables of a repo's runs, or raise OSError; what Aim's own tells is not shown."""
    done = run_migration(_MIGRATIONS, {**os.environ, "AIM_RUN_META_DATA_DB_URL": url})
    if done.returncode != 0:
        raise OSError(f"Aim's migration failed: {complaint_of(done)}")


db.upgrade_database = _upgrade_database
close_in_this_thread()


class RunRepo(Repo):
    """A repo in which one run is written, under the hash that it was given.

    It is shared with nobody, so that it can be let go of with all that it holds open.
    """

    def __init__(self, path: str, opened_at: float | None) -> None:
        super().__init__(path)
        self._opened_at = None if opened_at is None else datetime.fromtimestamp(opened_at, UTC)
        if self.is_remote_repo:
            call_directly(self._client)
        else:
            self._sdb_lock.timeout = LOCK_TIMEOUT_S
            break_old_lock(Path(self._sdb_lock_path))

    def run_exists(self, run_hash: str) -> bool:
        """Asked before a run of a given hash is opened; one that is not there is to be made."""
        return True

    def has_run(self, run_hash: str) -> bool:
        Repo._all_run_hashes.cache_clear()  # it may miss a run of the last half second
        return super().run_exists(run_hash)

    def request_props(self, hash_: str, read_only: bool, created_at: datetime | None = None) -> Any:
        """A run that is written later was created when it began."""
        began = None if self._opened_at is None else self._opened_at.replace(tzinfo=None)
        return super().request_props(hash_, read_only, created_at or began)


def open_repo(address: str, opened_at: float | None = None) -> RunRepo:
    """Open the Aim repo at `address`; a folder's is made where it is missing.

    Raises:
        OSError: the folder or repo cannot be written.
        RuntimeError: the repo is of another Aim, or the server does not answer.
    """
    if not address.startswith(SCHEME):
        folder = Path(address)
        clear_remains(folder)
        if not Repo.exists(address):
            make_repo(folder)
        check_version(address)
    return RunRepo(address, opened_at)


def check_version(folder: str) -> None:
    found = Repo.get_version(folder)
    if found[0] != DATA_VERSION[0]:
        shown = ".".join(map(str, found))
        raise RuntimeError(f"the Aim repo in {folder} is unfinished or of another Aim ({shown})")


def make_repo(folder: Path) -> None:
    """Make a repo aside and move it into place whole.

    Aim makes it file by file, and a second process that comes meanwhile takes it for an outdated
    one and fails; here the first to move wins, and the others find a finished repo.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder, UNFINISHED)
    aside = tempfile.mkdtemp(prefix=UNFINISHED, dir=folder)
    try:
        made = Repo(aside, init=True).path
        try:
            os.rename(made, folder / Path(made).name)
        except OSError:
            if not Repo.exists(str(folder)):
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def clear_remains(folder: Path) -> None:
    """Clear away the signs of life that runs leave where their repo was removed under them."""
    repo = repo_folder(folder)
    if not repo.is_dir() or (repo / "VERSION").exists():
        return
    for remains in ("check_ins", "meta/progress"):
        shutil.rmtree(repo / remains, ignore_errors=True)
    with suppress(OSError):  # there is more in it: no remains of ours
        (repo / "meta").rmdir()
    with suppress(OSError):
        repo.rmdir()


def repo_folder(folder: Path) -> Path:
    return folder / (os.environ.get("__AIM_REPO_NAME__") or ".aim")


def break_old_lock(lock: Path) -> None:
    """Aim holds this lock for milliseconds; who was killed meanwhile holds it for ever."""
    with suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > OLD_LOCK_S:
            lock.unlink()


if __name__ == "__main__":
    make_repo(Path(sys.argv[1]))
