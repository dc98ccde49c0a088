"""The database of Aim's bookmarks, `aim_db`, made where no UI has made it yet.

Its schema is Aim's alone: Aim's own migration makes it, as `aim up` does when it starts.
"""

import os
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path

from qa_sweep.errors import OutputError
from qa_sweep.leftovers import remove_leftovers
from qa_sweep.tracking.aim_process import aim_environment, complaint_of, run_migration

LOCK_TIMEOUT_S = 10.0

DATABASE = "aim_db"
_UNFINISHED = ".bookmarks-"
_VERSION = "3d5fd76e8485"  # of the schema, in Aim 3.29.1
_MIGRATION_TIMEOUT_S = 60.0
_SETTLE_TIMEOUT_S = 3.0  # for an `aim up` that makes it at the same moment
_POLL_INTERVAL_S = 0.1


def prepared_database(folder: Path) -> Path:
    """The database in the repo's own `folder`, with the schema of our Aim.

    It is made where it is missing. Raises OSError, sqlite3.Error or OutputError where it is of
    another Aim, or cannot be made.
    """
    database = folder / DATABASE
    if not database.exists():
        _make(folder)
    if _version(database) != _VERSION:
        _migrate(folder)
    return database


def _make(folder: Path) -> None:
    """Make the database aside and put it into place whole.

    `aim up` may start at any moment, and fails where it meets a half-made one.
    """
    remove_leftovers(folder, _UNFINISHED)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as aside:
        inner = Path(aside) / folder.name
        inner.mkdir()
        _migrate(inner)
        with suppress(FileExistsError):  # another sweep or a UI has made it meanwhile
            os.link(inner / DATABASE, folder / DATABASE)


def _migrate(folder: Path) -> None:
    """Bring the database in `folder` to the schema of our Aim."""
    try:
        done = run_migration(_migrations(), aim_environment(folder.parent), _MIGRATION_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"Aim's migration did not end in {_MIGRATION_TIMEOUT_S:g} s") from error
    if not _becomes_ours(folder / DATABASE):
        found = complaint_of(done)
        raise OutputError(f"{folder / DATABASE} must have the schema of our Aim: {found}")


def _becomes_ours(database: Path) -> bool:
    """Whether it has our schema, or gets it from an `aim up` that starts just now."""
    deadline = time.monotonic() + _SETTLE_TIMEOUT_S
    while _version(database) != _VERSION:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_INTERVAL_S)
    return True


def _version(database: Path) -> str | None:
    """Version of its schema; None where it has none yet."""
    if not database.exists():
        return None
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    with closing(connection):
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("alembic_version",) not in tables:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _migrations() -> Path:
    """Aim's settings of its migrations; found without importing Aim, which takes seconds."""
    spec = find_spec("aim")
    if spec is None or spec.origin is None:
        raise OutputError("Aim must be installed for its bookmarks; pip install 'aim==3.29.1'")
    return Path(spec.origin).parent / "web/migrations/alembic.ini"
