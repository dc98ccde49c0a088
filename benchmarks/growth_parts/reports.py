"""Reports: what they cost on a study whose runs have answered the questions of a problem."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from processes import Cost, measure

from growth_parts.problem import Problem
from growth_parts.work import in_process


def costs_of_reports(problem: Problem, n_trials: int) -> Iterator[tuple[str, Cost]]:
    """The terminal's and the page, each by the name that it is shown under."""
    results = problem.folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    in_process(_make_study, results, problem, n_trials)
    page = ["--html", str(problem.folder / "report.html")]
    for name, words in {"report": [], "report, as a page": page}.items():
        command = [sys.executable, "-m", "qa_sweep.report", "--results", str(results), *words]
        yield name, measure(command, problem.folder)


def _make_study(results: Path, problem: Problem, n_trials: int) -> None:
    from growth_parts.answered_study import make_study  # here, so that the first process is small

    make_study(results, problem, n_trials)
