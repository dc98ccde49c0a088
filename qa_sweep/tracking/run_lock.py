"""Run lock: the file by which Aim keeps two processes from writing one run."""

import time
import uuid

import psutil

from qa_sweep.tracking.reader import repo_folder

_WRITING_S = 60.0  # the file is made first, and says then whose it is


def is_held(repo: str, run_hash: str) -> bool:
    """Whether a living process has the run open; also where that cannot be told from here."""
    path = repo_folder(repo) / "locks" / f"{run_hash}.softlock"
    try:
        text, made_at = path.read_text(), path.stat().st_mtime
    except OSError:
        return False
    return _names_living_process(text, made_at)


def _names_living_process(text: str, made_at: float) -> bool:
    """`text` is machine-process-time, as in `aim.sdk.lock_manager`."""
    try:
        machine, process = map(int, text.split("-")[:2])
    except ValueError:
        return time.time() - made_at < _WRITING_S
    return machine != uuid.getnode() or _lived_at(process, made_at)


def _lived_at(process: int, time_s: float) -> bool:
    """Whether the process lives, and did at that time: numbers of processes are used again."""
    try:
        return psutil.Process(process).create_time() < time_s + 1
    except psutil.NoSuchProcess:
        return False
