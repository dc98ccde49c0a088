"""Text files: one, standard input, or all of a folder; always UTF-8."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qa_sweep.errors import DataError
from qa_sweep.terminal import visible

SUFFIXES = (".txt", ".md")  # of the files that are read of a folder
STANDARD_INPUT = "-"


@dataclass
class TextFolder:
    """What was read in and below a folder."""

    path: Path
    texts: dict[str, str] = field(default_factory=dict)  # by the file's path
    left_out: dict[str, list[Path]] = field(default_factory=dict)  # by the reason

    @property
    def note(self) -> str | None:
        """What was left out, in one line; None where nothing was."""
        if not self.left_out:
            return None
        groups = (
            f"{len(paths)} {reason} ({paths[0]}{', …' if len(paths) > 1 else ''})"
            for reason, paths in self.left_out.items()
        )
        n_read = len(self.texts)
        files = "file is" if n_read == 1 else "files are"
        return f"{self.path}: {n_read} {files} read; left out: {', '.join(groups)}"


def path_of(given: str) -> Path:
    """`given` with a leading ~ filled in, where that is somebody's home."""
    return Path(os.path.expanduser(given))  # pathlib's raises where it is not


def read_text(given: str) -> str:
    """The text of a file, or of standard input for `-`; line ends stay as they are.

    Raises DataError where it cannot be read, is no text in UTF-8, or blank.
    """
    if given == STANDARD_INPUT:
        return _decode(sys.stdin.buffer.read(), "standard input")
    try:
        content = path_of(given).read_bytes()
    except OSError as error:
        raise DataError(f"{given} must be a readable file: {error.strerror or error}") from error
    return _decode(content, given)


def read_folder(folder: Path) -> TextFolder:
    """The texts of all *.txt and *.md in and below a folder; what is no text is left out.

    Hidden files and links to folders are passed by. Raises DataError where there is no text.
    """
    found = TextFolder(folder)
    for path in _files_below(folder):
        reason = "of other kinds"
        if path.suffix.lower() in SUFFIXES:
            reason = _add(path, found.texts)
        if reason:
            found.left_out.setdefault(reason, []).append(path)
    if not found.texts:
        raise DataError(
            f"{folder} must hold files with text in UTF-8 ({', '.join(SUFFIXES)}), but "
            f"{visible(found.note or 'is empty')}"
        )
    return found


def _decode(content: bytes, name: str) -> str:
    rule = f"{name} must be text in UTF-8, but holds"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"{content[error.start]:#x}"
        raise DataError(f"{rule} the byte {byte} at {error.start}; convert it") from error
    if "\0" in text:
        raise DataError(f"{rule} a zero byte; it seems to be no text")
    if not text.strip():
        raise DataError(f"{name} must hold some text, but is empty")
    return text


def _add(path: Path, texts: dict[str, str]) -> str:
    """Read a file of a folder into `texts`; return why it was left out, "" where it was not."""
    try:
        content = path.read_bytes()
        if not content.strip():
            return "empty"
        texts[str(path)] = _decode(content, str(path))
    except OSError:
        return "unreadable"
    except DataError:
        return "not in UTF-8"
    return ""


def _files_below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():  # no pipe, which would be waited for
                yield path
