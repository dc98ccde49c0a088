"""Export: a leaderboard for spreadsheets and programs."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from qa_sweep.report.curves import objective_curve
from qa_sweep.report.leaderboard import Row
from qa_sweep.report.study_report import StudyReport
from qa_sweep.study.export import csv_of, json_of
from qa_sweep.timing import Timing

_FIRST = ("study", "rank", "trial", "outcome")
_LAST = (
    "epochs",
    "steps",
    "evaluations",
    "seconds",
    "device_seconds",
    *(field.name for field in fields(Timing)),
    "device",
    "n_parameters",
    "error",
    "folder",
    "aim_run",
)


def as_csv(reports: Sequence[StudyReport]) -> str:
    """One row a trial, best first; an interval's ends stand under METRIC_low and METRIC_high."""
    rows = [row for report in reports for row in _rows(report)]
    return csv_of(rows, _FIRST, _LAST)


def as_json(reports: Sequence[StudyReport]) -> str:
    """The same rows under their study, with the verdict, importances and intermediate values."""
    return json_of({"studies": [_content(report) for report in reports]})


def _content(report: StudyReport) -> dict[str, Any]:
    curves = {row.number: objective_curve(row.trial) for row in report.leaderboard.rows}
    return {
        "study": report.name,
        "objectives": [asdict(objective) for objective in report.study.objectives],
        "verdict": report.verdict.sentence() if report.verdict else None,
        "tied": report.verdict.tied if report.verdict else [],
        "importances": report.importances,
        "notes": report.notes,
        "trials": [{**row, "intermediate_values": curves[row["trial"]]} for row in _rows(report)],
    }


def _rows(report: StudyReport) -> list[dict[str, Any]]:
    return [
        {
            "study": report.name,
            "rank": rank,
            "trial": row.number,
            "outcome": row.outcome,
            "params": dict(row.params),
            "metrics": _metrics(row),
            "epochs": row.epochs,
            "steps": row.n_steps,
            "evaluations": row.n_evaluations,
            "seconds": row.seconds,
            "device_seconds": row.device_seconds,
            **_timing(row),
            "device": row.device,
            "n_parameters": row.course.n_parameters if row.course else None,
            "error": row.error,
            "folder": str(row.folder),
            "aim_run": row.aim_run,
        }
        for rank, row in enumerate(report.leaderboard.rows, start=1)
    ]


def _timing(row: Row) -> dict[str, float | None]:
    return asdict(row.course.timing if row.course else Timing.of({}))


def _metrics(row: Row) -> dict[str, float]:
    """Each metric, and the ends of its interval where it has one."""
    found = {}
    for name, value in row.metrics.items():
        found[name] = value
        if interval := row.intervals.get(name):
            found[f"{name}_low"], found[f"{name}_high"] = interval.low, interval.high
    return found
