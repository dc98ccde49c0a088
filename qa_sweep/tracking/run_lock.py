"""Run lock: whether a living process has a run open.

Aim's own lock is a file that names its machine by a network address: a process that is killed
leaves it behind, and in a container that is made anew it looks like another machine's. RocksDB's
lock on the run ends with the process, whatever that ran in.
"""

import fcntl
from pathlib import Path

from qa_sweep.tracking.reader import repo_folder


def is_held(repo: str, run_hash: str) -> bool:
    """Also where that cannot be told from here. Not to be asked of a run that one has open oneself.

    Another machine's lock is seen as far as the file system carries locks.
    """
    folder = repo_folder(repo)
    is_open = (folder / "locks" / f"{run_hash}.softlock").exists()
    return is_open and is_locked(folder / "meta/chunks" / run_hash / "LOCK")


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file of a RocksDB; closing it here would lose one's own."""
    try:
        with path.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
