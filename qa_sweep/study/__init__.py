"""Study: the studies of a storage: to list, show, export and remove them, and to serve them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qa_sweep.commands import one_line_errors

PORT = 13000  # Optuna's own default


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; return the exit code."""
    options = _parser().parse_args(arguments)
    options.run(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.study", description="List, show, export, remove or serve studies."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add(commands, "list", _list, "one line a study, the latest last")
    _add_name(_add(commands, "show", _show, "what a study is, and how far it has come"))
    _add_export(commands)
    _add_remove(commands)
    _add_serve(commands)
    return parser


def _add(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], what: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=f"{what[0].upper()}{what[1:]}."
    )
    parser.set_defaults(run=run)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="name of the study; by default the latest")


def _add_export(commands: Any) -> None:
    parser = _add(commands, "export", _export, "one row a trial, as CSV or JSON")
    _add_name(parser)
    file = parser.add_mutually_exclusive_group(required=True)
    file.add_argument("--csv", metavar="FILE", help="where to write; - for standard output")
    file.add_argument("--json", metavar="FILE", help="the same, with intermediate values")


def _add_remove(commands: Any) -> None:
    parser = _add(commands, "remove", _remove, "say what would be removed; with --yes, remove it")
    parser.add_argument("name", help="name of the study")
    parser.add_argument("--yes", action="store_true", help="remove it")
    parser.add_argument("--keep-folder", action="store_true", help="leave the folder of its trials")


def _add_serve(commands: Any) -> None:
    parser = _add(commands, "serve", _serve, "let other machines use a storage by way of this one")
    parser.add_argument("--port", type=int, default=PORT, help=f"by default {PORT}")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")


def _list(options: argparse.Namespace) -> None:
    from qa_sweep.study.listing import show_list
    from qa_sweep.sweep.studies import open_studies

    show_list(open_studies(options.results, options.storage))


def _show(options: argparse.Namespace) -> None:
    from qa_sweep.study.showing import show_study
    from qa_sweep.sweep.studies import open_studies

    show_study(open_studies(options.results, options.storage), options.name)


def _export(options: argparse.Namespace) -> None:
    from qa_sweep.study.export import as_csv, as_json, write
    from qa_sweep.sweep.studies import open_studies

    studies = open_studies(options.results, options.storage)
    study = studies.find(options.name)
    text = (as_csv if options.csv else as_json)(study, studies.storage)
    file = options.csv or options.json
    write(text, file)
    if file != "-":
        print(f"{len(study.all_trials)} trials in {file}")


def _remove(options: argparse.Namespace) -> None:
    from qa_sweep.study.removal import Removal
    from qa_sweep.sweep.studies import open_studies

    studies = open_studies(options.results, options.storage)
    removal = Removal.of(studies, options.name, keep_folder=options.keep_folder)
    print(removal.describe())
    if options.yes:
        removal.carry_out()
        print(f"study {options.name} was removed")
    else:
        print("nothing was removed; to remove it, add --yes")


def _serve(options: argparse.Namespace) -> None:
    from qa_sweep.study.serving import serve
    from qa_sweep.sweep.studies import storage_url

    serve(storage_url(options.results, options.storage), options.host, options.port)
