"""Early repo: Aim's repo and its database of bookmarks, made while the workers start.

Aim's migrations take seconds, in which a worker would compete for the processors with its own first
trial, and for which the end of a sweep would wait.
"""

import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.errors import OutputError
from qa_sweep.tracking.aim_process import aim_environment
from qa_sweep.tracking.bookmark_database import prepared_database
from qa_sweep.tracking.reader import has_repo, repo_folder

_TIMEOUT_S = 60.0
_POLL_INTERVAL_S = 0.2


class EarlyRepo:
    """Makes both in a thread; what fails is tried again by whom it concerns, and told there.

    A repo that is missing is made where it `is_wanted`, else waited for: perhaps no trial is run.
    """

    def __init__(self, repo: str, is_wanted: bool) -> None:
        self._repo = repo
        self._is_wanted = is_wanted
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="early repo", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for no repo any longer, and for what is being made."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        if self._is_wanted and not has_repo(self._repo):
            with suppress(OSError, subprocess.TimeoutExpired):
                _make_repo(self._repo)
        while not has_repo(self._repo):  # a worker makes it with its first trial
            if self._stopped.wait(_POLL_INTERVAL_S):
                return
        with suppress(OSError, sqlite3.Error, OutputError):
            prepared_database(repo_folder(self._repo))


def prepare_early(config: TrackingConfig, *, is_wanted: bool) -> None:
    """Begin to make the repo and its database, in this process."""
    if config.tracker is Tracker.aim and "://" not in config.repo:
        _begun[config.repo] = EarlyRepo(config.repo, is_wanted)


def finish_early(config: TrackingConfig) -> None:
    """Return when what was begun is done."""
    if begun := _begun.pop(config.repo, None):
        begun.finish()


_begun: dict[str, EarlyRepo] = {}


def _make_repo(folder: str) -> None:
    """In a process of its own: this one has no other use for Aim, which takes long to import."""
    subprocess.run(
        [sys.executable, "-m", "qa_sweep.tracking.aim_repo", folder],
        env=aim_environment(Path(folder)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        start_new_session=True,
        check=False,
    )
