"""Processes: work and commands, each in a process of its own, with what it costs."""

import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

_SHOWN_OF_LOG = 3000  # characters


@dataclass(frozen=True)
class Cost:
    """`cpu_s` are user and system time; of a command, with all its children."""

    wall_s: float
    cpu_s: float
    peak_mb: float  # of a command: of its largest process; of a work: of what it adds


def import_once(*modules: str) -> None:
    """Have the processes that are made from now on begin with these imported, which takes time."""
    multiprocessing.set_forkserver_preload(list(modules))


def in_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """What `function` returns in a new process, which begins with nothing of ours in memory."""
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.apply(function, arguments)


def cost_of_work(make: Callable[[], Callable[[], object]]) -> Cost:
    """Cost of what `make` returns; its memory includes the input that `make` itself has brought."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before_mb = memory_mb("VmRSS")
    work = make()
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    return Cost(wall_s, cpu_s, memory_mb("VmHWM") - before_mb)


def memory_mb(name: str) -> float:
    """This process's resident memory (VmRSS), or the most it was (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status must name {name}, but does not; use Linux")


def cost_of_command(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Cost:
    """Run it in `folder`. Raises RuntimeError where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} must succeed, but exited with {process.returncode}:\n"
            f"{log.read_text()[-_SHOWN_OF_LOG:]}"
        )
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
