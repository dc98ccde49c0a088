"""Window cache: windows on disk, so that the same data are prepared once, by whichever process.

An entry is a file, named by a hash of all that its windows depend on: texts and answers, tokenizer,
settings, and the code that cuts them. So no entry is ever wrong, only no longer asked for; those
that were used longest ago go when the folder grows above a limit, and damaged ones are made again.

An entry holds NumPy arrays one behind the other, each as `numpy.save` writes it, and a checksum.
"""

import logging
import os
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_64_intdigest

from qa_sweep.data.preparation import find_windows
from qa_sweep.data.window_key import tokenizer_key, window_key
from qa_sweep.files import whole_file
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Windows

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "QA_SWEEP_CACHE"  # a folder, or `off`
LIMIT_BYTES = 2 * 1024**3

_ARRAYS = [field.name for field in fields(Windows)]
_N_CHECKSUM_BYTES = 8
_LONGEST_WRITE_S = 3600.0

_Found = tuple[Windows, str]  # windows, and what to warn of


def cache_folder() -> Path | None:
    """Return the folder of the windows; None where the user wants no cache, or has no home."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(chosen or f"{base}/qa_sweep").expanduser() / "windows"
    except RuntimeError:  # a user whom the machine does not know
        return None


class WindowCache:
    """The windows made with one tokenizer, in a folder that several processes may use.

    The tokenizer must not be changed meanwhile. Without a folder nothing is kept.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        folder: Path | None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._tokenizer = tokenizer
        self._tokenizer_key = tokenizer_key(tokenizer) if folder else ""
        self._folder = folder
        self._limit_bytes = limit_bytes

    def prepare(
        self,
        examples: Sequence[Example],
        max_length: int,
        doc_stride: int,
        mark_overlap: bool = False,
    ) -> Windows:
        """Return what `qa_sweep.data.prepare` returns, from the folder where it is there.

        Warns and raises as that does. A folder that cannot be used costs a line in the log.
        """
        windows, warning = self._load(examples, max_length, doc_stride, mark_overlap)
        if warning:
            warnings.warn(warning, stacklevel=2)
        return windows

    def _load(
        self, examples: Sequence[Example], max_length: int, doc_stride: int, mark_overlap: bool
    ) -> _Found:
        settings = (max_length, doc_stride, mark_overlap)
        if self._folder is None:
            return find_windows(examples, self._tokenizer, *settings)
        entry = self._folder / window_key(examples, self._tokenizer_key, *settings)
        found = _read(entry)
        if found is None:
            found = find_windows(examples, self._tokenizer, *settings)
            self._keep(entry, found)
        return found

    def _keep(self, entry: Path, found: _Found) -> None:
        try:
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # texts can be told from it
            _write(entry, found)
            _remove_oldest(entry.parent, self._limit_bytes)
        except OSError as error:
            self._folder = None
            log.warning(
                "windows cannot be kept in %s (%s) and will be made again; "
                "name another folder in %s, or `off`",
                entry.parent, error.strerror or error, FOLDER_VARIABLE,
            )  # fmt: skip


def _write(entry: Path, found: _Found) -> None:
    windows, warning = found
    with whole_file(entry) as temporary, temporary.open("w+b") as file:
        for array in (np.array(warning), *(getattr(windows, name) for name in _ARRAYS)):
            np.save(file, array, allow_pickle=False)
        file.flush()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            checksum = xxh3_64_intdigest(content)
        file.write(checksum.to_bytes(_N_CHECKSUM_BYTES))


def _read(entry: Path) -> _Found | None:
    """Return what an entry holds, marking it as used; None where it is not there or damaged."""
    try:
        with entry.open("rb") as file:
            _check(file.fileno())
            warning, *arrays = (np.load(file, allow_pickle=False) for _ in range(len(_ARRAYS) + 1))
    except OSError:
        return None
    except ValueError as error:
        log.warning("windows in %s are damaged (%s) and are made again", entry, error)
        return None
    with suppress(OSError):  # a folder that is only read serves as well
        os.utime(entry)
    return Windows(**dict(zip(_ARRAYS, arrays, strict=True))), str(warning)


def _check(descriptor: int) -> None:
    """Raise ValueError where the content of an entry is not that which was written."""
    with mmap(descriptor, 0, access=ACCESS_READ) as content, memoryview(content) as view:
        checksum = int.from_bytes(view[-_N_CHECKSUM_BYTES:])
        if xxh3_64_intdigest(view[:-_N_CHECKSUM_BYTES]) != checksum:
            raise ValueError("its checksum is another one")


def _remove_oldest(folder: Path, limit_bytes: int) -> None:
    """Remove the files used longest ago, until the rest take no more than `limit_bytes`."""
    files = []
    for path in folder.iterdir():
        try:
            files.append((path.stat(), path))
        except FileNotFoundError:  # another process has removed it
            continue
    n_bytes = 0
    for stat, path in sorted(files, key=lambda file: file[0].st_mtime, reverse=True):
        n_bytes += stat.st_size
        if n_bytes > limit_bytes and not _is_being_written(path, stat):
            path.unlink(missing_ok=True)


def _is_being_written(path: Path, stat: os.stat_result) -> bool:
    """Whether another process is at it; what one has left that was killed is older some day."""
    return path.name.startswith(".") and time.time() - stat.st_mtime < _LONGEST_WRITE_S
