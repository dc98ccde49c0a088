"""Chunk: a folder of RocksDB's in which Aim keeps a part of one run, opened to be read."""

import os
import time
from pathlib import Path
from typing import Any

# A writer at full speed begins another log every 50 ms or so; an opening takes 5 to 40 ms.
OPENING_S = 30.0
SETTLING_S = 0.1


def open_tree(path: Path) -> Any:
    """What the RocksDB folder holds at one moment, also while it is written.

    Raises RocksIOError or Corruption where it cannot be opened, and TimeoutError where its
    writer left no moment for it in `OPENING_S` seconds.
    """
    from aimrocks.errors import RocksIOError

    deadline = time.monotonic() + OPENING_S
    while time.monotonic() < deadline:
        names = file_names(path)
        try:
            tree = open_at_once(path)
        except RocksIOError:
            time.sleep(SETTLING_S)
            if file_names(path) == names:
                raise
        else:
            if names <= file_names(path):
                return tree
    raise TimeoutError(f"{path} was written for {OPENING_S:g} s without a pause to read it in")


def open_at_once(path: Path) -> Any:
    from aim.storage.rockscontainer import RocksContainer

    # The "optimization" opens for writing, which would fight with the run's writer.
    return RocksContainer(str(path), read_only=True, skip_read_optimization=True).tree()


def file_names(path: Path) -> set[str]:
    """The folder's files, of which none may go while it is opened.

    Who opens it reads first which tables there are, then takes these and the logs as they are
    found. A log goes when a table holds its points, a table when a bigger one does: whoever read
    of neither misses these points, though not those of a later log.
    """
    return set(os.listdir(path)) if path.is_dir() else set()


def collected(tree: Any, key: str) -> dict[Any, Any]:
    """Subtree of `tree` as a dict; empty where a young run has none yet."""
    found: dict[Any, Any] = tree.get(key, None) or {}
    return found
