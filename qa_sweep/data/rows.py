"""Rows: one record with SQuAD's flat columns, checked field by field, as an example.

The columns are id, title, context, question and answers; `answers` holds `text` and `answer_start`,
two lists of one length, or is a list of such pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example, Reference, check_example


@dataclass(frozen=True)
class RowRules:
    """What a row may lack; the rows of a question set lack more than those of a data set."""

    needs_id: bool = True
    needs_answers: bool = True


DATA = RowRules()
QUESTIONS = RowRules(needs_id=False, needs_answers=False)


def read_row(row: Any, where: str, rules: RowRules = DATA) -> Example:
    """Return the example of `row`; `where` names it, e.g. `train.jsonl, line 7`.

    Raises DataError naming the field that is missing or not as it must be.
    """
    if not isinstance(row, Mapping):
        raise DataError(f"{where}: must be a record with named fields, but got {shown(row)}")
    example = Example(
        id=_read_id(row, where, rules),
        question=read_text(row, "question", where),
        context=read_text(row, "context", where),
        references=_read_answers(row, where, rules),
        title=read_text(row, "title", where) if row.get("title") is not None else "",
    )
    return check_example(example, where)


def read_text(row: Mapping[str, Any], field: str, where: str) -> str:
    """Return a field that must be a string."""
    value = read_field(row, field, where)
    if not isinstance(value, str):
        raise DataError(f"{where}: {field} must be a text, but got {shown(value)}")
    if not _is_unicode(value):
        raise DataError(
            f"{where}: {field} must be Unicode text, but holds half of a surrogate pair; remove it"
        )
    return value


def _is_unicode(text: str) -> bool:
    """Whether no half of a surrogate pair, which JSON can smuggle in, would choke a tokenizer."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_list(row: Mapping[str, Any], field: str, where: str) -> Sequence[Any]:
    """Return a field that must be a list."""
    value = read_field(row, field, where)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DataError(f"{where}: {field} must be a list, but got {shown(value)}")
    return value


def read_field(row: Mapping[str, Any], field: str, where: str) -> Any:
    """Return a field that must be there."""
    if field not in row:
        found = ", ".join(map(str, row)) or "none"
        raise DataError(f"{where}: field {field} is missing; found {found}; add it to the row")
    return row[field]


def read_reference(text: Any, start: Any, where: str) -> Reference:
    """Return a reference of a text and the character where it starts."""
    if not isinstance(text, str):
        raise DataError(f"{where}: answer text must be a text, but got {shown(text)}")
    if not isinstance(start, int) or isinstance(start, bool):
        raise DataError(f"{where}: answer_start must be a whole number, but got {shown(start)}")
    return Reference(text, start)


def shown(value: Any, n_chars: int = 60) -> str:
    """Return a value for a message: its representation, cut."""
    text = repr(value)
    return text if len(text) <= n_chars else text[: n_chars - 1] + "…"


def _read_id(row: Mapping[str, Any], where: str, rules: RowRules) -> str:
    if row.get("id") is None and not rules.needs_id:
        return where.rsplit(", ", 1)[-1]  # the row, without the file
    value = read_field(row, "id", where)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise DataError(f"{where}: id must be a text or a whole number, but got {shown(value)}")
    return str(value)


def _read_answers(row: Mapping[str, Any], where: str, rules: RowRules) -> tuple[Reference, ...]:
    if row.get("answers") is None and not rules.needs_answers:
        return ()
    answers = read_field(row, "answers", where)
    if isinstance(answers, Mapping):
        return _read_columns(answers, f"{where}, answers")
    if isinstance(answers, Sequence) and not isinstance(answers, str):
        return tuple(_read_pair(pair, f"{where}, answers[{i}]") for i, pair in enumerate(answers))
    raise DataError(
        f"{where}: answers must hold the lists text and answer_start, but got {shown(answers)}; "
        f"leave both lists empty where there is no answer"
    )


def _read_columns(answers: Mapping[str, Any], where: str) -> tuple[Reference, ...]:
    texts, starts = (read_list(answers, field, where) for field in ("text", "answer_start"))
    if len(texts) != len(starts):
        raise DataError(
            f"{where}: text and answer_start must be of one length, but got {len(texts)} and "
            f"{len(starts)}"
        )
    pairs = enumerate(zip(texts, starts, strict=True))
    return tuple(read_reference(text, start, f"{where}[{i}]") for i, (text, start) in pairs)


def _read_pair(pair: Any, where: str) -> Reference:
    if not isinstance(pair, Mapping):
        raise DataError(f"{where}: must hold text and answer_start, but got {shown(pair)}")
    return read_reference(
        read_field(pair, "text", where), read_field(pair, "answer_start", where), where
    )
