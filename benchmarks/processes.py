"""Processes: a command measured from its start to its end, with all its children."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN_OF_LOG = 3000  # characters


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float  # user and system, of the process and all its children
    peak_mb: float  # resident, of the largest process


def measure(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Cost:
    """Run a command in `folder`; where it fails, the benchmark ends with the end of its log."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.log"
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            # No hub is asked, by nobody: what it takes to answer would be measured.
            env={**os.environ, "HF_HUB_OFFLINE": "1", **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that all of it can be ended
        )
        try:
            # The usage of this child and of those it has waited for: not of our other children.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        end = log.read_text(errors="replace").strip()[-SHOWN_OF_LOG:]
        sys.exit(f"{end}\n{shlex.join(command)} must succeed, but exited {process.returncode}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
