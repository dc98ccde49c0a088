"""CSV: a header and a row a line, or several where a field has line breaks."""

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qa_sweep.data.fields import shown
from qa_sweep.data.json_text import NotJson, parse_json
from qa_sweep.data.readings import Reading, read
from qa_sweep.data.rows import RowRules, check_columns, read_renamed_row, renamed
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault

LARGEST_FIELD = 2**30  # characters; the csv module's own limit of 131,072 is below a book

_WHOLE_NUMBER = re.compile(r"\s*(\d{1,18})(\.0)?\s*")  # 12.0: a column of pandas with gaps


def read_csv(path: Path, rules: RowRules) -> Iterator[Reading]:
    """Yield what came of each row. Raises DataError where it cannot be told where rows end."""
    previous_limit = csv.field_size_limit(LARGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            check_columns(header, f"{path}, line 1", rules)
            line = reader.line_num + 1  # a field may hold line breaks: a row starts behind the last
            for values in reader:
                where = f"{path}, line {line}"
                line = reader.line_num + 1
                if values:
                    yield read(where, partial(_read_values, header, values, where, rules))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: must be CSV: {error}") from error
    finally:
        csv.field_size_limit(previous_limit)


def _read_values(header: list[str], values: list[str], where: str, rules: RowRules) -> Example:
    if len(values) != len(header):
        raise BadRow(
            where,
            f"must have {len(header)} fields as the header has, but got {len(values)}; "
            f"put quotes around a text with commas or line breaks",
            Fault.unreadable,
        )
    row: dict[str, Any] = dict(zip(header, values, strict=True))
    row = renamed(row, rules.columns, where)
    if "answers" in row:
        row["answers"] = _parse_answers(row["answers"], where)
    elif "answer_text" in row:
        row["answer_start"] = _parse_start(row.get("answer_start", ""))
    return read_renamed_row(row, where, rules)


def _parse_answers(text: str, where: str) -> Any:
    if not text.strip():
        return []
    try:
        return parse_json(text)
    except NotJson as error:
        place = "" if error.position is None else f" at character {error.position}"
        raise BadRow(
            where,
            f"answers must be JSON with the lists text and answer_start, but got "
            f"{shown(text)} ({error.reason}{place})",
            Fault.unreadable,
        ) from error


def _parse_start(text: str) -> int | str | None:
    """Return the number that a text says; None for a blank, and the text where it is none."""
    if not text.strip():
        return None
    number = _WHOLE_NUMBER.fullmatch(text)
    return int(number[1]) if number else text
