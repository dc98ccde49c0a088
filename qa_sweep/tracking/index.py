"""Aim's index: a copy of what runs hold beside their points, which Aim's pages and queries read.

It has one writer. While Aim's UI is open that is the UI's indexer, which another writer would kill;
else nobody writes it, and runs that have ended since are invisible to Aim's queries.
"""

import fcntl
import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from qa_sweep.tracking.chunk import open_tree
from qa_sweep.tracking.reader import repo_folder

logger = logging.getLogger(__name__)

_ABSENT = object()
_UI_REPO = "__AIM_UI_MOUNT_REPO_PATH__"  # variable of its processes, by `aim.web.configs`
_UI_WORDS = {"up", "aim.web.run:app"}  # of its command lines


@dataclass(frozen=True)
class IndexedRun:
    """What the index says of a run."""

    end_time: float | None
    status: str | None


def read_index(repo: str, hashes: Iterable[str]) -> dict[str, IndexedRun]:
    """What the index holds of those runs; empty where it is missing or cannot be read."""
    try:
        index = open_tree(repo_folder(repo) / "meta/index").subtree(("meta", "chunks"))
        found = {run_hash: _indexed(index.subtree(run_hash)) for run_hash in hashes}
    except Exception:  # made anew by `index_runs`
        return {}
    return {run_hash: run for run_hash, run in found.items() if run is not None}


def ui_process(repo: str) -> int | None:
    """Process of an Aim UI of this repo, on this machine; None where none is seen."""
    folder = repo_folder(repo).resolve()
    for process in psutil.process_iter():
        try:
            shown = process.environ().get(_UI_REPO)
            is_ui = bool(_UI_WORDS & set(process.cmdline()))
        except (psutil.Error, OSError):
            continue
        if is_ui and shown and _repo_shown(shown, folder.name) == folder:
            return process.pid
    return None


def _repo_shown(path: str, name: str) -> Path:
    """`path` is of the repo itself or of the folder that it is in."""
    return Path(path.removesuffix(name), name).resolve()


def index_runs(repo: str, hashes: Sequence[str]) -> list[str]:
    """Have Aim index those runs; return those that it could not, with a warning that says why.

    To be called while no UI of the repo is open. An index that is damaged is made anew, with these
    runs alone.
    """
    try:
        return _index(_open_repo(repo), hashes)
    except Exception as error:
        logger.warning("the index of %s cannot be written: %s", repo, error)
        return list(hashes)


def delete_run(repo: str, run_hash: str) -> bool:
    """Delete a run and what the index holds of it; False, and one warning, where that fails.

    To be called while no UI of the repo is open.
    """
    try:
        _delete(_open_repo(repo), run_hash)
    except Exception as error:
        logger.warning("run %s of %s cannot be deleted: %s", run_hash, repo, error)
        return False
    return True


def _open_repo(repo: str) -> Any:
    from aim.sdk.repo import Repo

    from qa_sweep.tracking.aim_exit import close_in_this_thread

    close_in_this_thread()
    return Repo(str(repo_folder(repo).parent))


def _index(repo: Any, hashes: Sequence[str]) -> list[str]:
    from aim.sdk.index_manager import RepoIndexManager

    with closing(_open_index(repo)):  # kept open: Aim would open it for each run
        manager = RepoIndexManager(repo)
        for run_hash in hashes:
            manager.index(run_hash)
    return sorted(manager._corrupted_runs)


def _delete(repo: Any, run_hash: str) -> None:
    with closing(_open_index(repo)):
        run = repo.structured_db.find_run(run_hash)
        for tag in run.tags if run else ():  # Aim would leave them to the next run of this number
            run.remove_tag(tag)
        repo._delete_run(run_hash)
    for sign in (Path(repo.path) / "check_ins").glob(f"{run_hash}-*"):
        sign.unlink(missing_ok=True)


def _open_index(repo: Any) -> Any:
    """The index, to be written; made anew where it is damaged."""
    from aimrocks.errors import Corruption, RocksIOError

    folder = Path(repo.path) / "meta/index"
    try:
        return repo._get_index_container("meta", 0)
    except (Corruption, RocksIOError):
        if _is_locked(folder / "LOCK"):
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return repo._get_index_container("meta", 0)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _indexed(run: Any) -> IndexedRun | None:
    end_time = run.get("end_time", _ABSENT)
    if end_time is _ABSENT:
        return None
    return IndexedRun(end_time, run.get(("attrs", "status"), None))
