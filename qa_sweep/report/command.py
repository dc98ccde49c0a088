"""The command `python -m qa_sweep.report`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from qa_sweep.commands import one_line_errors
from qa_sweep.errors import ConfigError

if TYPE_CHECKING:
    from qa_sweep.report.study_report import StudyReport
    from qa_sweep.sweep.studies import Studies

_STDOUT = "-"
_N_SHOWN = 30
_PLAIN_WIDTH = 200  # where lines are not cut: in a file, in a pipe


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Show what came of studies; return the exit code."""
    options = _parser().parse_intermixed_args(arguments)  # studies may follow an option
    _check(options)
    from qa_sweep.sweep.studies import open_studies

    studies = open_studies(options.results, options.storage)
    if options.flips is not None:
        _show_flips(options, studies)
    elif options.label_errors is not None:
        _write_label_errors(options, studies)
    else:
        _report(options, studies)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.report", description="What came of a study, and whether it is real."
    )
    parser.add_argument("names", nargs="*", metavar="STUDY", help="studies; by default the latest")
    parser.add_argument("--study", action="append", default=[], help="the same, by option")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument("--repo", default=".", help="folder of the Aim repo, for links into Aim")
    parser.add_argument(
        "--top", type=int, default=_N_SHOWN, metavar="N", help="trials shown; 0 shows all"
    )
    parser.add_argument("--html", metavar="FILE", help="one page to send around; needs plotly")
    parser.add_argument("--csv", metavar="FILE", help="the leaderboard; - for standard output")
    parser.add_argument("--json", metavar="FILE", help="the same, with verdict and curves")
    parser.add_argument(
        "--flips",
        nargs=2,
        type=int,
        metavar=("A", "B"),
        help="the questions that one of two trials gets right and the other wrong",
    )
    parser.add_argument(
        "--label-errors",
        type=Path,
        metavar="FILE",
        help="the questions whose reference is likely wrong, as CSV",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Raises ConfigError for options that cannot be carried out, before anything is read."""
    if options.top < 0:
        raise ConfigError(f"--top must be at least 0, but got {options.top}")
    if [options.csv, options.json, options.html].count(_STDOUT) > 1:
        raise ConfigError("standard output takes one of --csv, --json and --html; name a file")
    if len(_names(options)) > 1 and (options.flips or options.label_errors):
        raise ConfigError("--flips and --label-errors take one study, but got several; name one")
    if options.html is not None:
        from qa_sweep.report.page import check_plotly

        check_plotly()


def _names(options: argparse.Namespace) -> list[str]:
    return list(dict.fromkeys([*options.names, *options.study]))


def _reports(options: argparse.Namespace, studies: "Studies") -> list["StudyReport"]:
    from qa_sweep.report.study_report import report_on

    names = _names(options)
    found = [studies.find(name) for name in names] if names else [studies.find()]
    return [report_on(study, studies.storage.leases(study.name)) for study in found]


def _report(options: argparse.Namespace, studies: "Studies") -> None:
    reports = _reports(options, studies)
    if _STDOUT not in (options.csv, options.json, options.html):
        _print(options, reports)
    _write(options, reports)


def _print(options: argparse.Namespace, reports: Sequence["StudyReport"]) -> None:
    from qa_sweep.report.terminal import Terminal
    from qa_sweep.study_views import views_of

    terminal = Terminal(_console(), options.top or sys.maxsize)
    for report in reports:
        terminal.show(report, views_of(options.repo, report.name))


def _write(options: argparse.Namespace, reports: Sequence["StudyReport"]) -> None:
    """What is wanted in files."""
    from qa_sweep.report.export import as_csv, as_json
    from qa_sweep.study.export import write

    if options.csv is not None:
        write(as_csv(reports), options.csv)
    if options.json is not None:
        write(as_json(reports), options.json)
    if options.html is not None:
        from qa_sweep.report.page import page

        write(page(reports, options.repo), options.html)
    for file in (options.csv, options.json, options.html):
        if file not in (None, _STDOUT):
            print(f"written: {file}")


def _show_flips(options: argparse.Namespace, studies: "Studies") -> None:
    from qa_sweep.report.flips_text import show_flips

    study = studies.find(*_names(options))
    show_flips(_console(), study, *options.flips)


def _write_label_errors(options: argparse.Namespace, studies: "Studies") -> None:
    from qa_sweep.report.label_errors import write_label_errors

    study = studies.find(*_names(options))
    n_found = write_label_errors(study, options.label_errors)
    if str(options.label_errors) != _STDOUT:
        print(f"{n_found} likely label errors in {options.label_errors}")


def _console() -> Console:
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(width=width)
