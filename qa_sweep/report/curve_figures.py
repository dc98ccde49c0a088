"""Learning curves: each run's loss and scores by epoch, as its record tells them."""

from collections.abc import Iterator, Sequence
from typing import Any

from qa_sweep.report.figure import Figure
from qa_sweep.report.leaderboard import Row, StudyLeaderboard
from qa_sweep.report.shown_study import harmless
from qa_sweep.report.thinning import drawn, thinned
from qa_sweep.sweep.summary import describe

_TITLES = {"loss": "Loss", "f1": "F1", "exact_match": "Exact match"}
_N_NAMED = 8  # in colours of their own; the lines of more could not be told apart
_OTHERS = "#8a8f98"


def curve_figures(leaderboard: StudyLeaderboard) -> Iterator[Figure]:
    """One a metric, of the runs that tell of it."""
    finished = [row for row in leaderboard.rows if row.course and row.course.evaluations]
    for metric, title in _TITLES.items():
        rows = [row for row in finished if metric in _metrics(row)]
        if rows:
            shown = thinned(rows)
            yield Figure(
                f"curve-{metric.replace('_', '-')}",
                f"{title} by epoch",
                "On the held-out split, a line a run, the best trial first." + drawn(rows),
                [_line(row, metric, place) for place, row in enumerate(shown)],
                _layout(title),
            )


def _metrics(row: Row) -> set[str]:
    return {name for point in _points(row) for name in point.metrics}


def _line(row: Row, metric: str, place: int) -> dict[str, Any]:
    points = [point for point in _points(row) if metric in point.metrics]
    line = {
        "type": "scatter",
        "mode": "lines+markers" if len(points) < 20 else "lines",
        "name": f"trial {row.number}",
        "x": [point.epoch for point in points],
        "y": [point.metrics[metric] for point in points],
        "hovertemplate": f"epoch %{{x}}: %{{y}}<br>{harmless(describe(row.params))}",
    }
    if place < _N_NAMED:
        return line
    return {**line, "showlegend": False, "opacity": 0.5, "line": {"color": _OTHERS, "width": 1}}


def _points(row: Row) -> Sequence[Any]:
    return row.course.evaluations if row.course else ()


def _layout(title: str) -> dict[str, Any]:
    return {"xaxis": {"title": {"text": "epoch"}}, "yaxis": {"title": {"text": title}}}
