"""The environment that Aim's own programs are started in."""

import os
import re
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
