"""Questions: a file of them, with contexts of their own or without.

Plain text has a question a line. JSON Lines and CSV have the columns of local data, of which only
`question` must be there; SQuAD's JSON and Parquet are read as local data are.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_sweep.ask.text_files import STANDARD_INPUT, path_of, read_text
from qa_sweep.errors import DataError

_ANSWERS = ("answers", "answer_text", "answer_start")  # columns that are not needed to ask
_LARGEST_FIELD = 2**30  # characters; the csv module's own limit is below a book


@dataclass(frozen=True)
class Question:
    """A question to be asked."""

    text: str
    id: str | None = None
    context: str | None = None  # its own; None: what else is to be read
    reference: str | None = None  # the gold answer, where one is known


def read_questions(given: str) -> list[Question]:
    """Read a file of questions; `-` is standard input, with a question a line.

    Raises DataError where it is missing, empty or not in its format; the message names the row.
    """
    path = path_of(given)
    if given != STANDARD_INPUT and (path.is_dir() or not path.exists()):
        raise DataError(f"--questions must be a file, but there is no {given}; correct the path")
    questions = _read(path, given)
    if not questions:
        raise DataError(f"{given} must hold at least one question, but is empty")
    return questions


def _read(path: Path, given: str) -> list[Question]:
    match path.suffix.lower():
        case ".jsonl":
            return [_of_row(row, where) for where, row in _json_rows(given)]
        case ".csv":
            return [_of_row(row, where) for where, row in _csv_rows(given)]
        case ".json" | ".parquet":
            return _read_as_data(path)
        case _:
            return [Question(line.strip(), where) for where, line in _lines(given)]


def _lines(given: str) -> Iterator[tuple[str, str]]:
    """The lines that are not blank, each with its place."""
    lines = read_text(given).removeprefix("\ufeff").split("\n")
    return ((f"line {i}", line) for i, line in enumerate(lines, start=1) if line.strip())


def _json_rows(given: str) -> Iterator[tuple[str, Any]]:
    for place, line in _lines(given):
        where = f"{given}, {place}"
        try:
            yield where, json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}, column {error.colno}: must be JSON: {error.msg}") from error


def _csv_rows(given: str) -> Iterator[tuple[str, Any]]:
    text = read_text(given).removeprefix("\ufeff")
    previous_limit = csv.field_size_limit(_LARGEST_FIELD)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        line = 2  # a field may hold line breaks: a row starts behind the last
        for row in reader:
            where = f"{given}, line {line}"
            if None in row:
                raise DataError(
                    f"{where}: must have {len(reader.fieldnames or ())} fields as the header has, "
                    f"but has more; put quotes around a text with commas"
                )
            yield where, {name: value for name, value in row.items() if value}
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{given}, line {reader.line_num}: must be CSV: {error}") from error
    finally:
        csv.field_size_limit(previous_limit)


def _of_row(row: Any, where: str) -> Question:
    """Raises DataError naming the field that is missing or not as it must be."""
    from qa_sweep.data.fields import shown
    from qa_sweep.data.rows import QUESTIONS, read_flat_row

    if not isinstance(row, Mapping):
        raise DataError(f"{where}: must be an object with named fields, but got {shown(row)}")
    has_context = row.get("context") not in (None, "")
    stand_in = {} if has_context else {"context": row.get("question")}
    fields = {name: value for name, value in row.items() if name not in _ANSWERS}
    example = read_flat_row({**fields, **stand_in}, where, QUESTIONS)
    context = example.context if has_context else None
    return Question(example.question, example.id, context, _reference(row))


def _reference(row: Mapping[str, Any]) -> str | None:
    """The first gold answer, in any form of local data; None where there is none."""
    answers = row.get("answers", row.get("answer_text"))
    if isinstance(answers, str) and "answers" in row:  # as CSV holds it
        with suppress(json.JSONDecodeError):
            answers = json.loads(answers)
    if isinstance(answers, Mapping):
        answers = answers.get("text")
    first = answers[0] if isinstance(answers, list) and answers else answers
    text = first.get("text") if isinstance(first, Mapping) else first
    return text if isinstance(text, str) and text else None


def _read_as_data(path: Path) -> list[Question]:
    from qa_sweep.data.local import read_examples
    from qa_sweep.data.rows import QUESTIONS

    return [
        Question(
            example.question,
            example.id,
            example.context,
            example.references[0].text if example.references else None,
        )
        for example in read_examples(path, QUESTIONS)
    ]


def without_context(questions: Iterable[Question]) -> list[Question]:
    """Those that need a context from elsewhere."""
    return [question for question in questions if question.context is None]
