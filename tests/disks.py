"""Small disks: file systems in memory, of a size that can be changed."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Mount = Callable[..., Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts an empty file system in memory at a folder."""
    mounted: list[Path] = []

    def mount_at(folder: Path, size: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"SKIPPED, since nothing can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount_at
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def leave_room(folder: Path, kib: int) -> None:
    """Shrink the file system to what is on it, and so much more."""
    remount(folder, f"size={shutil.disk_usage(folder).used // 1024 + kib}k")
