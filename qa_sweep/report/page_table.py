"""Page table: the leaderboard as a table of the page, which can be sorted by each column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from qa_sweep.qa.intervals import Interval
from qa_sweep.report import words
from qa_sweep.report.leaderboard import Row, StudyLeaderboard
from qa_sweep.report.visible import visible
from qa_sweep.sweep.summary import format_value, short_name
from qa_sweep.tracking.ui import ADDRESS

_MAX_CHARS = 5_000


@dataclass(frozen=True)
class Cell:
    """What a cell holds, and what it is sorted by where that is another."""

    html: str
    key: float | None = None


@dataclass(frozen=True)
class Column:
    """A column of the table; its cells are in the order of the rows."""

    title: str
    cells: Sequence[Cell]
    hint: str = ""  # what the title leaves out


def leaderboard_table(board: StudyLeaderboard, title_id: str) -> str:
    """`title_id` names the heading that titles it."""
    columns = list(_columns(board))
    heads = "".join(map(_head, columns))
    best = board.study.leaderboard.best_number
    rows = "\n".join(
        _row(row, [column.cells[place] for column in columns], row.number == best)
        for place, row in enumerate(board.rows)
    )
    return (
        f'<div class="wide" role="region" aria-label="trials of {text(board.study.name)}" '
        'tabindex="0">\n'
        f'<table class="sortable" aria-labelledby="{title_id}">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n"
    )


def text(value: Any) -> str:
    """Somebody's text as text of the page."""
    return escape(visible(str(value), _MAX_CHARS))


def aim_link(row: Row) -> str:
    """To the row's run in Aim; "" where it has none."""
    if row.aim_run is None:
        return ""
    address = f"{ADDRESS}/runs/{quote(row.aim_run, safe='')}"
    return f'<a href="{escape(address)}" aria-label="trial {row.number} in Aim">Aim</a>'


def _columns(board: StudyLeaderboard) -> Iterator[Column]:
    rows, names = board.rows, board.param_names
    yield Column("trial", [Cell(str(row.number), row.number) for row in rows])
    for name in names:
        yield Column(_spaced(short_name(name, names)), [_param(row, name) for row in rows], name)
    for name in board.metric_names:
        yield Column(_spaced(name), _metric(rows, name))
    in_epochs = any(row.epochs is not None for row in rows)
    yield Column(
        "epochs" if in_epochs else "evaluations",
        [Cell(words.epochs(row), row.n_evaluations) for row in rows],
    )
    yield Column("time", [Cell(words.duration(row.seconds), row.seconds) for row in rows])
    yield Column("device", [Cell(text(row.device or words.NOTHING)) for row in rows])
    yield Column(
        "cost",
        [Cell(f"{row.device_seconds:.1f}", row.device_seconds) for row in rows],
        "device-seconds of all attempts",
    )
    yield Column("outcome", [Cell(_outcome(row)) for row in rows])
    if any(row.aim_run for row in rows):
        yield Column("run", [Cell(aim_link(row)) for row in rows])


def _param(row: Row, name: str) -> Cell:
    value = row.params.get(name, "")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(text(format_value(value)), float(value) if is_number else None)


def _metric(rows: Sequence[Row], name: str) -> list[Cell]:
    return [
        Cell(f"{value}{_interval(row.intervals.get(name))}", row.metrics.get(name))
        for row, value in zip(rows, words.metric_texts(rows, name), strict=True)
    ]


def _interval(interval: Interval | None) -> str:
    return f" <small>{interval.low:.1f}–{interval.high:.1f}</small>" if interval else ""


def _outcome(row: Row) -> str:
    return f'<span class="outcome {row.outcome}">{row.outcome}</span>'


def _head(column: Column) -> str:
    hint = f' title="{text(column.hint)}"' if column.hint else ""
    return f'<th scope="col"{hint}>{text(column.title)}</th>'


def _row(row: Row, cells: Sequence[Cell], is_best: bool) -> str:
    first, *rest = map(_cell, cells)
    head = first.replace("<td", '<th scope="row"').replace("</td>", "</th>")
    kind = ' class="best"' if is_best else ""
    return f"<tr{kind}>{head}{''.join(rest)}</tr>"


def _cell(cell: Cell) -> str:
    key = "" if cell.key is None else f' data-key="{cell.key:.10g}"'
    return f"<td{key}>{cell.html}</td>"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
