"""Slurm: what becomes of the jobs that submitit has put into its queue."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_TIMEOUT_S = 30.0


def submitted_jobs(folder: Path) -> set[str]:
    """The ids of the jobs whose files submitit keeps in `folder`; none where it is not Slurm's."""
    return {script.parent.name for script in folder.glob("*/*_submission.sh")}


def living_jobs(ids: Iterable[str]) -> set[str]:
    """Those that wait or run; all of them where Slurm does not say."""
    try:
        queue = _ask("squeue", "--noheader", f"--user={os.getuid()}", "--format=%A")
    except (OSError, subprocess.SubprocessError):
        return set(ids)
    return set(ids) & set(queue.split())


def cancel_jobs(ids: Iterable[str], *, waiting_only: bool = False) -> None:
    """Cancel jobs; those that have ended in the meantime do not matter."""
    state = ["--state=PENDING"] if waiting_only else []
    wanted = sorted(ids)
    if wanted:
        try:
            _ask("scancel", *state, *wanted)
        except (OSError, subprocess.SubprocessError):
            return  # they obey the study's stop flag when they run


def _ask(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
    ).stdout
