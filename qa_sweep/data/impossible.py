"""Impossible: the field by which SQuAD 2.0 says that a question has no answer."""

from collections.abc import Mapping
from typing import Any

from qa_sweep.data.fields import shown
from qa_sweep.qa.example import BadRow, Fault

_WORDS = {"true": True, "false": False}  # as CSV has it


def heed_impossible(row: Any, where: str, *, needs_answers: bool) -> Any:
    """Return a row with no `answers` where `is_impossible` is true.

    Raises BadRow where the two say different things. A row without the field is left as it is.
    """
    said = row.get("is_impossible") if isinstance(row, Mapping) else None
    if said is None or said == "":
        return row
    impossible = _WORDS.get(said.lower()) if isinstance(said, str) else said
    if not isinstance(impossible, bool):
        problem = f"is_impossible must be true or false, but got {shown(said)}"
        raise BadRow(where, problem, Fault.wrong_type)
    has_answers = _says_something(row.get("answers"))
    if impossible and has_answers:
        raise BadRow(
            where,
            f"answers must be empty where is_impossible is true, but got "
            f"{shown(row['answers'])}; correct one of the two",
            Fault.contradiction,
        )
    if not impossible and needs_answers and not has_answers:
        raise BadRow(
            where,
            "answers must not be empty where is_impossible is false; add an answer, or "
            "set is_impossible to true",
            Fault.contradiction,
        )
    return {**row, "answers": []} if impossible else row


def _says_something(answers: Any) -> bool:
    """Whether there is anything in `answers`, be it right or wrong."""
    return any(answers.values()) if isinstance(answers, Mapping) else bool(answers)
