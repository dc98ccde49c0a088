"""Local data: files in SQuAD's nested JSON, or with its flat columns as JSON Lines, CSV or Parquet.

Only the standard library is imported, and pyarrow where a Parquet file is read, so that a broken
file is reported within a moment.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qa_sweep.config.data import LocalData, OnBadRow
from qa_sweep.data.arrow_rows import read_parquet
from qa_sweep.data.csv_rows import read_csv
from qa_sweep.data.fields import ESCAPED_BYTE
from qa_sweep.data.files import files_of, find_files
from qa_sweep.data.json_text import NotJson, parse_json
from qa_sweep.data.nested import read_nested
from qa_sweep.data.readings import Reading, Source, keep, read
from qa_sweep.data.rows import DATA, RowRules, read_flat_row
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault
from qa_sweep.terminal import visible

Reader = Callable[[Path, RowRules], Iterator[Reading]]


def read_examples(
    path: str | Path, rules: RowRules = DATA, policy: OnBadRow = OnBadRow.fail
) -> list[Example]:
    """Return the examples of a file, or of all files of a folder; a suffix says the format.

    Raises DataError where a file is missing, unreadable, empty or not in its format; the message
    names the row (the line in JSON Lines and CSV) and the field.
    """
    return keep(_source(files_of(path), rules), policy)


def local_sources(config: LocalData) -> dict[str, Source]:
    """Return the splits "train" and, where there are files for it, "eval".

    Raises DataError where a file is missing, or it is not clear which files are which split.
    """
    files = find_files(config.path, config.eval_path)
    rules = RowRules(columns=config.columns.renamed())
    splits = {"train": files.train, "eval": files.eval}
    return {split: _source(paths, rules) for split, paths in splits.items() if paths}


def _source(files: Sequence[Path], rules: RowRules) -> Source:
    path = str(files[0] if len(files) == 1 else files[0].parent)
    return Source(path, path, read_files(files, rules))


def read_files(files: Sequence[Path], rules: RowRules = DATA) -> Iterator[Reading]:
    """Yield what came of each row of `files`. Raises DataError for a file that has no rows."""
    for path in files:
        is_empty = True
        try:
            for reading in _READERS[path.suffix.lower()](path, rules):
                is_empty = False
                yield reading
        except OSError as error:
            reason = error.strerror or visible(str(error))
            raise DataError(f"{path}: cannot be read: {reason}") from error
        if is_empty:
            raise DataError(f"{path}: must hold at least one question, but is empty")


def _read_json(path: Path, rules: RowRules) -> Iterator[Reading]:
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return read_nested(_parse(text, str(path)) if text.strip() else {"data": []}, str(path), rules)


def _read_json_lines(path: Path, rules: RowRules) -> Iterator[Reading]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{path}, line {number}"
                yield read(where, partial(_read_line, line.rstrip(), path, number, rules))


def _read_line(line: str, path: Path, number: int, rules: RowRules) -> Example:
    return read_flat_row(_parse(line, str(path), number), f"{path}, line {number}", rules)


_READERS: dict[str, Reader] = {
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def _parse(text: str, name: str, first_line: int | None = None) -> Any:
    """Return what `text` says: a whole file, or what begins on the line `first_line` of one."""
    try:
        return parse_json(text)
    except NotJson as error:
        where = name + _place(text, error.position, first_line)
        byte = None if error.position is None else ESCAPED_BYTE.match(text, error.position)
        if byte:
            found = f"the byte {ord(byte[0]) - 0xDC00:#x}; convert the file"
            problem = f"must be text in UTF-8, but holds {found}"
            raise BadRow(where, problem, Fault.not_utf8) from error
        is_lines = first_line is None and _holds_lines(text)
        hint = "; a file of one object a line must end in .jsonl" if is_lines else ""
        raise BadRow(where, f"must be JSON: {error.reason}{hint}", Fault.unreadable) from error


def _place(text: str, position: int | None, first_line: int | None) -> str:
    """Where in a file something stands that is at `position` of `text`, as far as that is known."""
    if position is None:
        return "" if first_line is None else f", line {first_line}"
    line = (first_line or 1) + text.count("\n", 0, position)
    column = position - text.rfind("\n", 0, position)
    return f", line {line}, column {column}"


def _holds_lines(text: str) -> bool:
    """Whether a whole value stands on the first line, as in JSON Lines."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        parse_json(first)
    except NotJson:
        return False
    return bool(rest)
