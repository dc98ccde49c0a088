"""Chunk: a folder of RocksDB's in which Aim keeps a part of one run, opened to be read."""

import os
import time
from pathlib import Path
from typing import Any

N_OPENINGS = 5
FLUSH_S = 0.02


def open_tree(path: Path) -> Any:
    """What the RocksDB folder holds at one moment, also while it is written.

    Raises RocksIOError or Corruption where it cannot be opened.
    """
    from aimrocks.errors import RocksIOError

    for _ in range(N_OPENINGS - 1):
        names = file_names(path)
        try:
            tree = open_at_once(path)
        except RocksIOError:
            time.sleep(FLUSH_S)
            if file_names(path) == names:
                raise
        else:
            if file_names(path) == names:
                return tree
    return open_at_once(path)


def open_at_once(path: Path) -> Any:
    from aim.storage.rockscontainer import RocksContainer

    # The "optimization" opens for writing, which would fight with the run's writer.
    return RocksContainer(str(path), read_only=True, skip_read_optimization=True).tree()


def file_names(path: Path) -> set[str]:
    """Data that a writer flushes goes to another file, and is missed by who opens meanwhile."""
    return set(os.listdir(path)) if path.is_dir() else set()


def collected(tree: Any, key: str) -> dict[Any, Any]:
    """Subtree of `tree` as a dict; empty where a young run has none yet."""
    found: dict[Any, Any] = tree.get(key, None) or {}
    return found
