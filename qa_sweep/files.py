"""Files that are written whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_sweep.disk import needing_room


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what the body writes there takes `path`'s place.

    The file is on disk (fsync) before it gets its name, so that a power cut leaves the old file or
    the new one. If the body raises, nothing is left behind. Raises DiskFull where there is no room.
    """
    with needing_room(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            sync(temporary)
            temporary.chmod(0o644)  # mkstemp's files are the owner's alone
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def sync(path: Path) -> None:
    """Return when what a file or folder holds is on disk; of a folder these are names alone."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """Return when the folder is on disk with all that is in it."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed have left in `folder`; none may be at work there."""
    for path in folder.glob(".*.????????"):  # as `tempfile` ends its names
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
