"""Words: how what is known of a trial is said in a cell or a line."""

from collections.abc import Sequence

from qa_sweep.report.leaderboard import Row
from qa_sweep.report.study_report import StudyReport
from qa_sweep.sweep.summary import format_column, format_seconds, format_value

NOTHING = "–"


def metric_texts(rows: Sequence[Row], metric: str) -> list[str]:
    """The metric of each row, with one number of decimals."""
    return format_column([row.metrics.get(metric) for row in rows])


def duration(seconds: float | None) -> str:
    return NOTHING if seconds is None else format_seconds(seconds)


def epochs(row: Row) -> str:
    """Epochs done; evaluations where the study does not tell in epochs."""
    return f"{row.epochs:.3g}" if row.epochs is not None else str(row.n_evaluations or NOTHING)


def pruned(row: Row, objective: str) -> str:
    """`trial 4 was pruned after evaluation 2 (epoch 2, step 752) with f1 45.2`"""
    place = [f"epoch {row.epochs:.3g}"] if row.epochs is not None else []
    place += [f"step {row.n_steps}"] if row.n_steps is not None else []
    where = f" ({', '.join(place)})" if place else ""
    reports = row.trial.intermediate_values
    value = f" with {objective} {format_value(reports[max(reports)])}" if reports else ""
    return f"trial {row.number} was pruned after evaluation {row.n_evaluations}{where}{value}"


def failed(row: Row) -> str:
    """`trial 5 failed: RuntimeError: …`"""
    what = "has diverged" if row.outcome == "diverged" else "failed"
    what = "is infeasible" if row.outcome == "infeasible" else what
    return f"trial {row.number} {what}: {row.error}"


def headline(report: StudyReport) -> str:
    """`6 trials: 5 complete, 1 pruned; to maximize f1`"""
    rows = report.leaderboard.rows
    outcomes = dict.fromkeys(row.outcome for row in rows)
    counts = [f"{sum(row.outcome == name for row in rows)} {name}" for name in outcomes]
    wanted = ", ".join(f"{o.direction} {o.name}" for o in report.study.objectives)
    count = f"{len(rows)} trial{'' if len(rows) == 1 else 's'}"
    return f"{count}{': ' if counts else ''}{', '.join(counts)}; to {wanted}"


def front(report: StudyReport) -> str | None:
    """Which trials none is better than in all objectives; None where there is one objective."""
    if len(report.study.objectives) == 1 or report.study.leaderboard.best is None:
        return None
    numbers = ", ".join(str(trial.number) for trial in report.study.leaderboard.front())
    return f"No other trial is better in all objectives than: {numbers}"
