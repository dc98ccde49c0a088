"""Aim's own programs: the environment that they are started in, and its migrations."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# What a Python program needs of its environment. The rest may hold secrets, which a UI that has no
# login and runs queries as code shall not hold.
_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|VIRTUAL_ENV|LD_LIBRARY_PATH|PYTHON\w*"
    r"|__AIM_REPO_NAME__"
)
_MOUNTED_REPO = "__AIM_UI_MOUNT_REPO_PATH__"  # aim.web.configs: where the UI finds the repo


def aim_environment(repo: Path) -> dict[str, str]:
    """The environment for a program of Aim's that works on the repo in folder `repo`."""
    passed_on = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    return {**passed_on, _MOUNTED_REPO: str(repo)}


def run_migration(
    settings: Path | str, environment: Mapping[str, str], timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the migration of Aim's that the file `settings` describes.

    In a session of its own: a terminal's Ctrl-C is the sweep's to heed. It would end the migration,
    whose repo is then of no use.
    """
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(settings), "upgrade", "head"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        start_new_session=True,
        check=False,
    )


def complaint_of(migration: subprocess.CompletedProcess[str]) -> str:
    """What it says that it has failed of."""
    lines = [line for line in migration.stderr.splitlines() if "Error: " in line]
    return lines[-1] if lines else "no reason given"
