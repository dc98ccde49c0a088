"""Up: Aim's UI for this machine, with the links of a study's views."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from qa_sweep.commands import one_line_errors
from qa_sweep.errors import StudyError
from qa_sweep.tracking.bookmarks import saved_views
from qa_sweep.tracking.reader import read_names, repo_folder
from qa_sweep.tracking.ui import DEFAULT_PORT, aim_ui


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Show Aim's UI until Ctrl-C or SIGTERM; return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    study = _chosen_study(options.repo, options.study)
    with aim_ui(options.repo, options.port) as ui:
        _show(ui.address, options.repo, study)
        ui.process.wait()
    print("qa_sweep: Aim's UI has ended", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.up", description="Aim's UI, for this machine alone, until Ctrl-C."
    )
    parser.add_argument("--repo", default=".", help="folder that holds the Aim repo")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"by default {DEFAULT_PORT}")
    parser.add_argument("--study", help="whose views to link; by default the latest")
    return parser


def _chosen_study(repo: str, name: str | None) -> str | None:
    """The study's experiment in the repo; the latest without `name`, None where there is no run."""
    experiments = [run.experiment for run in read_names(repo_folder(repo))]
    if name is None:
        return experiments[-1] if experiments else None
    if name not in experiments:
        known = ", ".join(dict.fromkeys(reversed(experiments))) or "none"
        raise StudyError(f"--study must be one that has runs in Aim ({known}), but got {name!r}")
    return name


def _show(address: str, repo: str, study: str | None) -> None:
    print(f"Aim is open at {address} (Ctrl-C ends it)")
    if study is not None:
        print(f"study {study}, once Aim has indexed its runs:")
        for title, path in saved_views(repo, study):
            print(f"  {title}: {address}{path}")
    print(f"all bookmarks: {address}/bookmarks", flush=True)


def _leave(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
