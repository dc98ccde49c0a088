"""Report: what came of a study, in the terminal."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from qa_sweep.commands import one_line_errors

if TYPE_CHECKING:
    from qa_sweep.sweep.studies import StudyOnDisk


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Print a study's table; return the exit code."""
    options = _parser().parse_args(arguments)
    from qa_sweep.study_views import views_of
    from qa_sweep.sweep.studies import find_study
    from qa_sweep.sweep.summary import error_of

    study = find_study(options.results, options.study, options.storage)
    console = Console()
    console.print(study.leaderboard.table(f"study {study.name}"))
    for trial in study.leaderboard.failed:
        console.print(f"trial {trial.number} failed: {error_of(trial)}", markup=False)
    if study.leaderboard.best is not None:
        console.print(f"best: {study.best_folder()}", soft_wrap=True, highlight=False)
        _show_verdict(console, study)
    for line in views_of(options.repo, study.name):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return 0


def _show_verdict(console: Console, study: "StudyOnDisk") -> None:
    """Whether the best trial is best, as far as the held-out questions tell."""
    from qa_sweep.report.answers import on_same_questions, read_answers
    from qa_sweep.report.verdict import judge

    runs = read_answers(study)
    comparable = on_same_questions(runs)
    if not comparable:
        return
    objective = study.objectives[0].name
    verdict = judge(comparable, objective if objective in comparable[0].scores else "f1")
    console.print(verdict.sentence(), soft_wrap=True, highlight=False)
    if n_others := len(runs) - len(comparable):
        console.print(f"{n_others} trials answered other questions and are left out of this.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qa_sweep.report", description="The table of a study.")
    parser.add_argument("--study", help="name of the study; by default the latest")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument(
        "--repo", default=".", help="folder of the Aim repo, for links to its views"
    )
    return parser
