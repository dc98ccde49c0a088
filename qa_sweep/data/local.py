"""Local data: files in SQuAD's nested JSON, or with its flat columns as JSON Lines, CSV or Parquet.

Only the standard library is imported, and pyarrow where a Parquet file is read, so that a broken
file is reported within a moment.
"""

import csv
import json
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qa_sweep.data.nested import read_nested
from qa_sweep.data.rows import DATA, RowRules, read_row, shown
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example

Reader = Callable[[Path, RowRules], Iterator[Example]]

LARGEST_CSV_FIELD = 2**30  # characters; the csv module's own limit of 131,072 is below a book


def read_examples(path: str | Path, rules: RowRules = DATA) -> list[Example]:
    """Return the examples of a file; its suffix says the format.

    Raises DataError where the file is missing, unreadable, empty or not in its format; the message
    names the row (the line in JSON Lines and CSV) and the field.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"{path}: {_missing(path)}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: a data file must end in one of {', '.join(_READERS)}, but got "
            f"{path.suffix or 'no suffix'}; rename or convert it"
        )
    try:
        examples = list(reader(path, rules))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: must be text in UTF-8, but holds the byte "
            f"{error.object[error.start]:#x}; convert the file"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not examples:
        raise DataError(f"{path}: must hold at least one question, but is empty")
    return examples


def _read_json(path: Path, rules: RowRules) -> Iterator[Example]:
    text = path.read_text(encoding="utf-8-sig")
    return read_nested(_parse(text, str(path)) if text.strip() else {"data": []}, str(path), rules)


def _read_json_lines(path: Path, rules: RowRules) -> Iterator[Example]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{path}, line {number}"
                yield read_row(_parse(line.rstrip(), str(path), number), where, rules)


def _read_csv(path: Path, rules: RowRules) -> Iterator[Example]:
    previous_limit = csv.field_size_limit(LARGEST_CSV_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            line = reader.line_num + 1  # a field may hold line breaks: a row starts behind the last
            for values in reader:
                where = f"{path}, line {line}"
                line = reader.line_num + 1
                if values:
                    yield read_row(_csv_row(header, values, where), where, rules)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: must be CSV: {error}") from error
    finally:
        csv.field_size_limit(previous_limit)


def _csv_row(header: list[str], values: list[str], where: str) -> dict[str, Any]:
    """Return a row by column, with its answers taken out of their text."""
    if len(values) != len(header):
        raise DataError(
            f"{where}: must have {len(header)} fields as the header has, but got {len(values)}; "
            f"put quotes around a text with commas or line breaks"
        )
    row: dict[str, Any] = dict(zip(header, values, strict=True))
    if "answers" in row:
        row["answers"] = _csv_answers(row["answers"], where)
    elif "answer_text" in row:
        row["answers"] = _csv_answer(row["answer_text"], row.get("answer_start", ""), where)
    return row


def _csv_answers(text: str, where: str) -> Any:
    if not text.strip():
        return []
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: answers must be JSON with the lists text and answer_start, but got "
            f"{shown(text)} ({error.msg} at character {error.pos})"
        ) from error


def _csv_answer(text: str, start: str, where: str) -> list[dict[str, Any]]:
    if not text.strip():
        return []
    if not start.strip().isdecimal():
        raise DataError(
            f"{where}: answer_start must be a whole number where answer_text is given, but got "
            f"{shown(start)}"
        )
    return [{"text": text, "answer_start": int(start)}]


def _read_parquet(path: Path, rules: RowRules) -> Iterator[Example]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: must be a Parquet file, but cannot be read: {reason}") from error
    for number, row in enumerate(rows, start=1):
        yield read_row(row, f"{path}, row {number}", rules)


_READERS: dict[str, Reader] = {
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _parse(text: str, name: str, first_line: int = 1) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        hint = "; a file of one object a line must end in .jsonl" if _is_extra(error) else ""
        raise DataError(
            f"{name}, line {line}, column {error.colno}: must be JSON: {error.msg}{hint}"
        ) from error


def _is_extra(error: json.JSONDecodeError) -> bool:
    """Whether a whole value stands before the error, as in JSON Lines."""
    try:
        json.JSONDecoder().raw_decode(error.doc.lstrip())
    except json.JSONDecodeError:
        return False
    return error.lineno > 1


def _missing(path: Path) -> str:
    """Return why there is no such file, with what was perhaps meant."""
    if path.is_dir():
        return "must be a file, but is a folder; name a file in it"
    if not path.parent.is_dir():
        return f"must be a file, but the folder {path.parent.resolve()} does not exist"
    names = [found.name for found in path.parent.iterdir() if found.suffix.lower() in _READERS]
    near = get_close_matches(path.name, names, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; correct the path"
    return f"must be a file, but does not exist in {path.parent.resolve()}{hint}"
