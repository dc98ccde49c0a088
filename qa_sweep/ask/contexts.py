"""Contexts: what is to be read: a text, files, folders of text files, or standard input."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_sweep.ask.text_files import STANDARD_INPUT, path_of, read_folder, read_text
from qa_sweep.errors import DataError

_FILE_NAME = re.compile(r"\S*/\S*|\S+\.\w{1,8}|[^\n]*\.(txt|md)", re.IGNORECASE)
_N_NAMES = 3  # shown of the contexts


@dataclass(frozen=True)
class ContextSet:
    """Texts by name: a file's path, `-`, or e.g. `text 2` for the second argument."""

    texts: Mapping[str, str]
    is_bare_text: bool = False  # one argument, whose name says nothing
    notes: tuple[str, ...] = ()  # a line for each folder of which something was left out

    @property
    def context(self) -> str | Mapping[str, str]:
        """As `Answerer.ask` takes it."""
        return next(iter(self.texts.values())) if self.is_bare_text else self.texts

    def describe(self) -> str:
        names = [*self.texts][:_N_NAMES] + ["…"] * (len(self.texts) > _N_NAMES)
        shown = "a text" if self.is_bare_text else ", ".join(names)
        return f"{shown} ({sum(map(len, self.texts.values())):,} characters)"


def read_contexts(given: Sequence[str]) -> ContextSet:
    """Read what each of `given` means: the file, the folder, standard input, or the text itself.

    Raises DataError for a file that is missing or no text, and a folder without a text.
    """
    texts: dict[str, str] = {}
    notes: list[str] = []
    is_bare_text = False
    for number, each in enumerate(given, start=1):
        path = None if each == STANDARD_INPUT else _existing(each)
        if each == STANDARD_INPUT or (path is not None and not path.is_dir()):
            texts[each] = read_text(each)
        elif path is not None:
            folder = read_folder(path)
            texts |= folder.texts
            notes += [folder.note] if folder.note else []
        else:
            texts[f"text {number}"] = _not_blank(each)
            is_bare_text = len(given) == 1
    return ContextSet(texts, is_bare_text, tuple(notes))


def _existing(given: str) -> Path | None:
    """The file or folder that is meant; None for a text. Raises DataError where it is missing."""
    path = path_of(given)
    try:
        if given and path.exists():
            return path
    except (OSError, ValueError):  # a text too long to be a file's name
        return None
    if _FILE_NAME.fullmatch(given.strip()):
        raise DataError(
            f"the context must be a file, a folder or a text, but there is no {given}; correct the "
            f"path, or give the text on standard input, with --context -"
        )
    return None


def _not_blank(text: str) -> str:
    if not text.strip():
        raise DataError("the context must hold some text, but is empty")
    return text
