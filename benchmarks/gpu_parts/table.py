"""A table in plain text: the first column to the left, numbers to the right."""

from collections.abc import Sequence


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [[*headings], *([*map(_text, row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join([title, *(_line(cells, widths) for cells in lines)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(["  " + first, *rest]).rstrip()


def _text(value: object) -> str:
    return "–" if value is None else str(value)
