"""Disk: that it is full, told in one line, whichever library has met it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qa_sweep.errors import OutputError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LEAST_ROOM_BYTES = 2**20  # with less, whatever failed has most likely failed of it


class DiskFull(OutputError):
    """There is no room for what is to be written; once there is, the same command goes on."""

    strerror = "the disk is full"


@contextmanager
def needing_room(folder: Path, n_bytes: int = 0) -> Iterator[None]:
    """Raise DiskFull where the body fails for want of room in `folder`; see `refuse_full`."""
    try:
        yield
    except Exception as error:
        refuse_full(error, folder, n_bytes)
        raise


def refuse_full(error: Exception, folder: Path, n_bytes: int = 0) -> None:
    """Raise DiskFull from an `error` that comes of want of room in `folder`.

    It is asked how much there is, since not all libraries say what they have failed of, and those
    that remove what they have half written leave some: `n_bytes` is about what was to be written.
    """
    if isinstance(error, DiskFull):
        return
    if _says_full(error) or _room_bytes(folder) < max(n_bytes, _LEAST_ROOM_BYTES):
        raise no_room(folder) from error


def no_room(folder: Path) -> DiskFull:
    return DiskFull(
        f"{folder} must have room for what is written there, but its disk is full "
        f"({_room_bytes(folder) // 1000} kB are left); make room, then give the same command again"
    )


def _says_full(error: BaseException | None) -> bool:
    """Whether the error, or one that it was raised from, is the system's for a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _room_bytes(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
