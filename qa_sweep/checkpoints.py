"""Checkpoints of a training: one counts once it was written to its end."""

import shutil
from pathlib import Path

_WHOLE = "whole"  # file that is in a checkpoint once all of it is written


def mark_whole(checkpoint: Path) -> None:
    (checkpoint / _WHOLE).touch()


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that was written to its end; those that were not are removed."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    whole = [path for path in checkpoints if (path / _WHOLE).exists()]
    for path in set(checkpoints) - set(whole):
        shutil.rmtree(path)
    return whole[-1] if whole else None
