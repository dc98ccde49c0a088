"""Doctor: checks the studies and Aim's runs against each other, and mends what it can."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from qa_sweep.commands import one_line_errors
from qa_sweep.errors import OutputError, QaSweepError


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is found; return 0 where all is in accord, or was brought into it, else 1."""
    options = _parser().parse_args(arguments)
    from qa_sweep.doctor.visit import visit

    try:
        return visit(options)
    except QaSweepError:
        raise
    except OSError as error:
        raise OutputError(f"what is to be checked must be readable, but: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.doctor",
        description="Check the studies and Aim's runs against each other; change nothing.",
        epilog="What a living process works on is left alone.",
    )
    parser.add_argument("study", nargs="?", help="name of the study; by default all of them")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument("--repo", help="folder of the Aim repo, where it is not the current one")
    parser.add_argument("--repair", action="store_true", help="mend what is found")
    parser.add_argument("--yes", action="store_true", help="with --repair: delete runs, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser
