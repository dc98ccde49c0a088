"""Early database: that of Aim's bookmarks, made beside the first trial and not after the last.

Aim's migration takes seconds, for which the end of a sweep would wait.
"""

import sqlite3
import threading
from contextlib import suppress
from functools import cache

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.errors import OutputError
from qa_sweep.tracking.bookmark_database import prepared_database
from qa_sweep.tracking.reader import has_repo, repo_folder

_POLL_INTERVAL_S = 0.2


class EarlyDatabase:
    """Makes the database as soon as there is a repo, in a thread; what fails is told at the end."""

    def __init__(self, repo: str) -> None:
        self._repo = repo
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="bookmarks", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for no repo any longer, and for the database where it is being made."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while not has_repo(self._repo):  # a worker makes it with its first trial
            if self._stopped.wait(_POLL_INTERVAL_S):
                return
        with suppress(OSError, sqlite3.Error, OutputError):
            prepared_database(repo_folder(self._repo))


def prepare_early(config: TrackingConfig) -> None:
    """Begin to make the database of the repo, in this process."""
    if config.tracker is Tracker.aim and "://" not in config.repo:
        _of(config.repo)


def finish_early(config: TrackingConfig) -> None:
    """Return when what was begun is done; nothing is begun where it was not."""
    if config.tracker is Tracker.aim and "://" not in config.repo:
        _of(config.repo).finish()


@cache
def _of(repo: str) -> EarlyDatabase:
    return EarlyDatabase(repo)
