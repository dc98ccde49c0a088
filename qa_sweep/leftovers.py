"""Leftovers: what processes that were killed have left of what they were making."""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OLD_S = 600.0  # the slowest of it, an Aim repo on a busy machine, is made in a minute


def remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove what `tempfile` made in `folder` under names that begin with `prefix`.

    What is not old may be at work, and stays; so does what cannot be removed.
    """
    for path in _old(folder, prefix):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _old(folder: Path, prefix: str) -> Iterator[Path]:
    for path in list(folder.glob(f"{prefix}????????")):  # as `tempfile` ends its names
        with suppress(OSError):  # who made it has just removed it
            if time.time() - path.lstat().st_mtime > _OLD_S:
                yield path
