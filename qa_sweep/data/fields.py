"""Fields: one value of a row, checked; whatever it is not raises BadRow with its place."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from qa_sweep.qa.example import BadRow, Fault
from qa_sweep.terminal import visible

# Of a byte that is no UTF-8, `errors="surrogateescape"` makes the character U+DC00 + byte.
ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
# What a row may have by other names, and the settings that say so.
_COLUMNS = {
    "id": "data.columns.id=…",
    "question": "data.columns.question=…",
    "context": "data.columns.context=…",
    "answers": "data.columns.answers=… or data.columns.answer_text=…",
}
_N_NAMES = 12  # of fields that are shown of a row


def read_field(row: Mapping[str, Any], field: str, where: str) -> Any:
    """Return a field that must be there."""
    if field not in row:
        raise missing_field(field, row, where)
    return row[field]


def missing_field(field: str, row: Mapping[str, Any], where: str) -> BadRow:
    """Return what to say of a field that is not there; the hint is for all that are not."""
    found = ", ".join(_names(row)) or "none"
    settings = " ".join(setting for name, setting in _COLUMNS.items() if name not in row)
    hint = f", or say {settings}" if field in _COLUMNS else ""
    problem = f"field {field} is missing; found {found}; add it to the row{hint}"
    return BadRow(where, problem, Fault.missing_field)


def read_text(row: Mapping[str, Any], field: str, where: str) -> str:
    """Return a field that must be a string."""
    value = read_field(row, field, where)
    if not isinstance(value, str):
        problem = f"{field} must be a text, but got {shown(value)}"
        raise BadRow(where, problem, Fault.wrong_type)
    return unicode(value, field, where)


def unicode(text: str, field: str, where: str) -> str:
    """Return a text that no half of a surrogate pair would make a tokenizer choke on."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow(where, f"{field} {_not_unicode(text)}", Fault.not_utf8) from None
    return text


def read_list(row: Mapping[str, Any], field: str, where: str) -> list[Any]:
    """Return a field that must be a list."""
    value = read_field(row, field, where)
    if not isinstance(value, list):
        problem = f"{field} must be a list, but got {shown(value)}"
        raise BadRow(where, problem, Fault.wrong_type)
    return value


def shown(value: Any, n_chars: int = 60) -> str:
    """Return a value for a message: its representation, cut."""
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} of lists within lists"
    return _cut(text, n_chars)


def _names(row: Mapping[str, Any]) -> list[str]:
    """The names of the fields as they can be shown, the first of many."""
    names = [_cut(visible(str(name))) for name in islice(row, _N_NAMES)]
    return names + ["…"] * (len(row) > _N_NAMES)


def _cut(text: str, n_chars: int = 60) -> str:
    return text if len(text) <= n_chars else text[: n_chars - 1] + "…"


def _not_unicode(text: str) -> str:
    byte = ESCAPED_BYTE.search(text)
    if byte:
        return (
            f"must be text in UTF-8, but holds the byte {ord(byte[0]) - 0xDC00:#x}; "
            f"convert the file"
        )
    return "must be Unicode text, but holds half of a surrogate pair; remove it"
