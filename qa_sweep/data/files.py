"""Files: which files a path means, and which splits the files of a folder are."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from qa_sweep.errors import DataError

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")

_HELD_OUT = ("eval", "dev", "validation", "test")  # test is taken where none of the others is
_SPLIT = re.compile(rf"(train|{'|'.join(_HELD_OUT)})(?:[-_.].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Files:
    """The files of each split; no eval files mean that a part of train is held out."""

    train: list[Path]
    eval: list[Path]


def find_files(path: str, eval_path: str | None) -> Files:
    """Return the files that `data.path` and `data.eval_path` mean.

    A folder means all its data files; where they are called train.* and eval.* (or dev, validation,
    test), they are splits. Raises DataError where there is none, or it is not clear which.
    """
    folder = Path(path).expanduser()
    found = _splits(folder) if folder.is_dir() else Files(files_of(path), [])
    return found if eval_path is None else Files(found.train, files_of(eval_path))


def fingerprint_of_files(path: str, eval_path: str | None) -> str:
    """Sixteen hexadecimal digits that say what stands in the files of both splits, in their order.

    Raises DataError as `find_files` does.
    """
    files = find_files(path, eval_path)
    splits = [[_digest(file) for file in split] for split in (files.train, files.eval)]
    return hashlib.sha256(repr(splits).encode()).hexdigest()[:16]


def files_of(path: str | Path) -> list[Path]:
    """Return the file at `path`, or all data files of the folder. Raises DataError for none."""
    path = Path(path).expanduser()
    if path.is_dir():
        return _data_files(path)
    if not path.is_file():
        raise DataError(f"{path}: {_missing(path)}")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{path}: a data file must end in one of {', '.join(SUFFIXES)}, but got "
            f"{path.suffix or 'no suffix'}; rename or convert it"
        )
    return [path]


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _data_files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if _is_data(path))
    if not found:
        raise DataError(
            f"{folder}: must be a file, or a folder with files that end in {', '.join(SUFFIXES)}, "
            f"but is a folder without any"
        )
    return found


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _splits(folder: Path) -> Files:
    """Return the files of a folder by their names."""
    files = _data_files(folder)
    groups: dict[str, list[Path]] = {}
    for file in files:
        split = _SPLIT.fullmatch(file.stem)
        groups.setdefault(split[1].lower() if split else "", []).append(file)
    if list(groups) == [""]:
        return Files(files, [])
    held_out = [name for name in _HELD_OUT if name in groups]
    if len(held_out) > 1 and held_out[-1] == "test":
        held_out.pop()
    if "" in groups or "train" not in groups or len(held_out) > 1:
        raise DataError(
            f"{folder}: must hold files to train on alone, or train.* and one of eval.*, dev.* and "
            f"validation.*, but holds {_names(files)}; pass data.path=FILE data.eval_path=FILE"
        )
    return Files(groups["train"], groups[held_out[0]] if held_out else [])


def _names(files: Sequence[Path], n_shown: int = 5) -> str:
    names = [file.name for file in files[:n_shown]]
    return ", ".join(names + ["…"] * (len(files) > n_shown))


def _missing(path: Path) -> str:
    """Return why there is no such file, with what was perhaps meant."""
    if not path.parent.is_dir():
        return f"must be a file, but the folder {path.parent.resolve()} does not exist"
    names = [found.name for found in path.parent.iterdir() if found.suffix.lower() in SUFFIXES]
    near = get_close_matches(path.name, names, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; correct the path"
    return f"must be a file, but does not exist in {path.parent.resolve()}{hint}"
