"""Cells of a table for spreadsheets."""

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for a formula's beginning


def cell(value: Any) -> Any:
    """A number as it is; a text such that no spreadsheet takes it for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()  # as in YAML
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
