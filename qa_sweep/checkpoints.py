"""Checkpoints of a training: each is sealed once all of it is on disk.

A seal names the checkpoint's files with their checksums. So a checkpoint that was not written to
its end is told from a whole one, and so is one whose bytes are no longer those that were written,
which a reader of weights does not see. For that case the one before the last is kept, and the best
one until either, without which a training that goes on from there could not end.
"""

import json
import logging
import shutil
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_sweep.disk import needing_room
from qa_sweep.errors import ModelError
from qa_sweep.files import sync, write_json

log = logging.getLogger(__name__)

SEAL_FILE = "seal.json"

_BLOCK_BYTES = 2**20
_N_KEPT = 2  # and the best ones


@dataclass(frozen=True)
class _Seal:
    """`best_step` is the step of the best checkpoint until then, where there is one."""

    best_step: int | None
    checksums: Mapping[str, str]  # by the file's name


def checkpoint_at(folder: Path, step: int) -> Path:
    """The folder of a checkpoint, as the Trainer names it."""
    return folder / f"checkpoint-{step}"


class Sealer:
    """Seals the checkpoints of one training, in a thread, while the training goes on.

    Of one whose writing or sealing fails nothing is left; that the seal has failed is raised by the
    next call. Raises DiskFull where there is no room.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        # Starts the thread now: when the training has taken the memory, there may be none for it.
        self._seal: Future[Any] | None = self._threads.submit(int)

    @contextmanager
    def sealing(self, checkpoint: Path, best_step: int | None) -> Iterator[None]:
        """Have the checkpoint that the body writes sealed, then remove those not needed any more.

        `best_step` is the step of the best checkpoint until then.
        """
        self.wait()
        with _whole_or_gone(checkpoint):
            yield
        self._seal = self._threads.submit(_seal_and_remove_old, checkpoint, best_step)

    def wait(self) -> None:
        """Return when all is sealed."""
        if self._seal is not None:
            wait([self._seal])  # may be interrupted, and called again
            done, self._seal = self._seal, None
            done.result()


def seal(checkpoint: Path, best_step: int | None) -> None:
    """Return when all of the checkpoint is on disk, its seal last."""
    checksums = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file():
            checksums[str(path.relative_to(checkpoint))] = _checksum(path)
        sync(path)
    write_json(checkpoint / SEAL_FILE, {"best_step": best_step, "checksums": checksums})
    sync(checkpoint.parent)


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that is as it was sealed, and whose best one is.

    Later ones are removed; where one of them is damaged, that costs a warning.
    """
    for checkpoint in reversed(_in_order(folder)):
        if (checkpoint / SEAL_FILE).exists():
            damage = _damage(checkpoint) or _damage(_best_until(checkpoint))
            if damage is None:
                return checkpoint
            log.warning("%s; the training goes on from an earlier checkpoint", damage)
        shutil.rmtree(checkpoint)
    return None


def check(checkpoint: Path) -> None:
    """Raise ModelError where the checkpoint is not as it was sealed."""
    damage = _damage(checkpoint)
    if damage is not None:
        raise ModelError(f"{damage}; check the disk, then give the same command again")


def _damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint; None where it is as it was sealed."""
    found = _read_seal(checkpoint)
    if found is None:
        return f"{checkpoint / SEAL_FILE} must list checksums, but is missing or damaged"
    for name, checksum in found.checksums.items():
        path = checkpoint / name
        try:
            if _checksum(path) != checksum:
                return f"{path} must be as it was written, but has another checksum"
        except OSError as error:
            return f"{path} must be as it was written, but cannot be read ({error.strerror})"
    return None


@contextmanager
def _whole_or_gone(checkpoint: Path) -> Iterator[None]:
    try:
        with needing_room(checkpoint.parent):
            yield
    except BaseException:
        shutil.rmtree(checkpoint, ignore_errors=True)  # half of one is of no use, and takes room
        raise


def _seal_and_remove_old(checkpoint: Path, best_step: int | None) -> None:
    with _whole_or_gone(checkpoint):
        seal(checkpoint, best_step)
    _remove_old(checkpoint.parent)


def _remove_old(folder: Path) -> None:
    checkpoints = _in_order(folder)
    last = checkpoints[-_N_KEPT:]
    for checkpoint in set(checkpoints) - {*last, *map(_best_until, last)}:
        shutil.rmtree(checkpoint)


def _best_until(checkpoint: Path) -> Path:
    found = _read_seal(checkpoint)
    if found is None or found.best_step is None:
        return checkpoint
    return checkpoint_at(checkpoint.parent, found.best_step)


def _in_order(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))


def _read_seal(checkpoint: Path) -> _Seal | None:
    try:
        content = json.loads((checkpoint / SEAL_FILE).read_text(encoding="utf-8"))
        return _Seal(content["best_step"], dict(content["checksums"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _checksum(path: Path) -> str:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x}"
