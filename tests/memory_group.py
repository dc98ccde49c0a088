"""A group of processes that share little memory: the kernel kills where more is used."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")


@contextmanager
def memory_group(n_bytes: int) -> Iterator[Callable[[], None]]:
    """What a process calls to join a group of so much memory, below our own; skips without one."""
    try:
        folder, limit = _folder()
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"SKIPPED, since no control group can be made here: {error}")
    try:
        try:
            (folder / limit).write_text(str(n_bytes))
        except OSError as error:
            pytest.skip(f"SKIPPED, since a group's memory cannot be limited here: {error}")
        yield lambda: _join(folder)
    finally:
        _remove(folder)


def _folder() -> tuple[Path, str]:
    """A folder for the new group, and the file of its limit, in version 1 or 2 of the interface."""
    name = f"qa_sweep_test_{os.getpid()}"
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, ours = line.split(":", 2)
        if "memory" in controllers.split(","):
            return _ROOT / "memory" / ours.lstrip("/") / name, "memory.limit_in_bytes"
        if not controllers and "memory" in _controllers(_ROOT / ours.lstrip("/")):
            return _ROOT / ours.lstrip("/") / name, "memory.max"
    raise FileNotFoundError("there is no memory controller")


def _controllers(group: Path) -> list[str]:
    """What the groups below `group` can be given."""
    file = group / "cgroup.subtree_control"
    return file.read_text().split() if file.is_file() else []


def _join(folder: Path) -> None:
    (folder / "cgroup.procs").write_text(str(os.getpid()))


def _remove(folder: Path) -> None:
    """The kernel lets go of a group a moment after its last process."""
    for _ in range(50):
        try:
            folder.rmdir()
            return
        except OSError:
            time.sleep(0.1)
    folder.rmdir()
