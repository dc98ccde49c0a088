"""Rows: one record with SQuAD's flat columns, checked field by field, as an example.

The columns are id, title, context, question and answers; `answers` holds `text` and `answer_start`,
two lists of one length, or is a list of such pairs. `is_impossible` may say that there are none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qa_sweep.data.fields import missing_field, read_field, read_list, read_text, shown, unicode
from qa_sweep.data.impossible import heed_impossible
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault, Reference, check_example, stands_in

_FIELDS = (
    *("id", "title", "context", "question", "answers", "answer_text", "answer_start"),
    "is_impossible",
)


@dataclass(frozen=True)
class RowRules:
    """What a row may lack, and what its columns are called.

    The rows of a question set lack more than those of a data set.
    """

    needs_id: bool = True
    needs_answers: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)  # our field -> its name in the data

    @property
    def column_names(self) -> set[str]:
        """The columns that are read, by their names in the data."""
        return {self.columns.get(name, name) for name in _FIELDS}


DATA = RowRules()
QUESTIONS = RowRules(needs_id=False, needs_answers=False)


class _Answer(NamedTuple):
    """A reference as it is given; `where` names it."""

    text: Any
    start: Any
    where: str


def read_row(row: Any, where: str, rules: RowRules = DATA) -> Example:
    """Return the example of `row`; `where` names it, e.g. `train.jsonl, line 7`.

    Raises BadRow naming the field that is missing or not as it must be; its `repaired` has each
    answer at the one place where its text stands, if all else is right.
    """
    try:
        return _read(row, where, rules)
    except BadRow as bad:
        bad.repaired = _repaired(row, where, rules)
        raise


def read_flat_row(row: Any, where: str, rules: RowRules = DATA) -> Example:
    """Return the example of a row whose columns may have other names, or hold a single answer."""
    return read_renamed_row(renamed(row, rules.columns, where), where, rules)


def read_renamed_row(row: Any, where: str, rules: RowRules = DATA) -> Example:
    """The same where the columns have our names."""
    row = heed_impossible(with_answers(row), where, needs_answers=rules.needs_answers)
    return read_row(row, where, rules)


def check_columns(names: Sequence[str], source: str, rules: RowRules) -> None:
    """Raise DataError where a column that is read is there twice: which of them holds?"""
    counts = Counter(name for name in names if name in rules.column_names)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"{source}: each column must have a name of its own, but {counts[twice[0]]} are "
            f"called {twice[0]}; rename or remove one"
        )


def renamed(row: Any, columns: Mapping[str, str], where: str) -> Any:
    """Return a row with our names for `columns`. Raises BadRow where one of them is missing."""
    if not columns or not isinstance(row, Mapping):
        return row
    for name, column in columns.items():
        if column not in row:
            raise missing_field(f"{column} (data.columns.{name})", row, where)
    others = {name: value for name, value in row.items() if name not in columns.values()}
    return {**others, **{name: row[column] for name, column in columns.items()}}


def with_answers(row: Any) -> Any:
    """Return a row with `answers` made of the columns answer_text and answer_start.

    They hold one answer, or lists; both empty say that there is none.
    """
    if not isinstance(row, Mapping) or "answers" in row or "answer_text" not in row:
        return row
    text, start = row["answer_text"], row.get("answer_start")
    if isinstance(text, list):
        return {**row, "answers": {"text": text, "answer_start": start}}
    is_empty = start is None and (text is None or text == "")
    return {**row, "answers": [] if is_empty else [{"text": text, "answer_start": start}]}


def read_reference(text: Any, start: Any, where: str) -> Reference:
    """Return a reference of a text and the character where it starts."""
    if not isinstance(text, str):
        problem = f"answer text must be a text, but got {shown(text)}"
        raise BadRow(where, problem, Fault.wrong_type)
    if not _is_whole(start):
        problem = f"answer_start must be a whole number, but got {shown(start)}"
        raise BadRow(where, problem, Fault.wrong_type)
    return Reference(unicode(text, "answer text", where), int(start))


def _is_whole(value: Any) -> bool:
    """Whether a value is a whole number; 12.0 is one, as columns with gaps hold their numbers."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _read(row: Any, where: str, rules: RowRules, *, relocate: bool = False) -> Example:
    if not isinstance(row, Mapping):
        problem = f"must be a record with named fields, but got {shown(row)}"
        raise BadRow(where, problem, Fault.wrong_type)
    id = _read_id(row, where, rules)
    question, context = read_text(row, "question", where), read_text(row, "context", where)
    answers = _read_answers(row, where, rules, relocate=relocate)
    if relocate:
        answers = [_relocated(answer, context) for answer in answers]
    title = read_text(row, "title", where) if row.get("title") is not None else ""
    references = tuple(read_reference(*answer) for answer in answers)
    return check_example(Example(id, question, context, references, title), where)


def _repaired(row: Any, where: str, rules: RowRules) -> Example | None:
    try:
        return _read(row, where, rules, relocate=True)
    except BadRow:
        return None


def _relocated(answer: _Answer, context: str) -> _Answer:
    """Return an answer at the one place where its text stands, or as it is."""
    text, start, _ = answer
    if not isinstance(text, str) or not text.strip():
        return answer
    if _is_whole(start) and stands_in(Reference(text, int(start)), context):
        return answer
    place = context.find(text)
    is_only_one = place >= 0 and context.find(text, place + 1) < 0
    return answer._replace(start=place) if is_only_one else answer


def _read_id(row: Mapping[str, Any], where: str, rules: RowRules) -> str:
    if row.get("id") is None and not rules.needs_id:
        return where.rsplit(", ", 1)[-1]  # the row, without the file
    value = read_field(row, "id", where)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        problem = f"id must be a text or a whole number, but got {shown(value)}"
        raise BadRow(where, problem, Fault.wrong_type)
    return unicode(str(value), "id", where)


def _read_answers(
    row: Mapping[str, Any], where: str, rules: RowRules, *, relocate: bool
) -> list[_Answer]:
    """The answers as they are given; where they will be relocated, offsets may be missing."""
    if row.get("answers") is None and not rules.needs_answers:
        return []
    answers = read_field(row, "answers", where)
    if isinstance(answers, Mapping):
        return _read_columns(answers, f"{where}, answers", relocate=relocate)
    if isinstance(answers, list):
        return [
            _read_pair(pair, f"{where}, answers[{i}]", relocate=relocate)
            for i, pair in enumerate(answers)
        ]
    raise BadRow(
        where,
        f"answers must hold the lists text and answer_start, but got {shown(answers)}; leave both "
        f"lists empty where there is no answer",
        Fault.wrong_type,
    )


def _read_columns(answers: Mapping[str, Any], where: str, *, relocate: bool) -> list[_Answer]:
    texts = read_list(answers, "text", where)
    if relocate and answers.get("answer_start") is None:
        starts: list[Any] = [None] * len(texts)
    else:
        starts = read_list(answers, "answer_start", where)
    if len(texts) != len(starts):
        problem = (
            f"text and answer_start must be of one length, but got {len(texts)} and {len(starts)}"
        )
        raise BadRow(where, problem, Fault.unequal_answers)
    pairs = enumerate(zip(texts, starts, strict=True))
    return [_Answer(text, start, f"{where}[{i}]") for i, (text, start) in pairs]


def _read_pair(pair: Any, where: str, *, relocate: bool) -> _Answer:
    if not isinstance(pair, Mapping):
        problem = f"must hold text and answer_start, but got {shown(pair)}"
        raise BadRow(where, problem, Fault.wrong_type)
    text = read_field(pair, "text", where)
    start = pair.get("answer_start") if relocate else read_field(pair, "answer_start", where)
    return _Answer(text, start, where)
