"""Commands that a sweep shows at its end, typed into a shell as they are."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import environment


def next_steps(output: str) -> list[str]:
    """Those that a sweep without tracking has shown."""
    return output.partition("next:\n")[2].splitlines()


def paste(command: str, folder: Path) -> str:
    """What the command shows in `folder`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**environment(), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
