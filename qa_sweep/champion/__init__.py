"""Champion: a study's best model as a folder to use, to keep, or to share on the hub."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from qa_sweep.commands import one_line_errors


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bundle; return 0 where it is as good as the run was, or cannot be told, else 1."""
    options = _parser().parse_args(arguments)
    from qa_sweep.champion.making import make

    return make(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.champion",
        description="Write the best model of a study, with its card, as a Hugging Face folder.",
        epilog="The token for --push is that of `hf auth login`, or HF_TOKEN.",
    )
    parser.add_argument("--to", type=Path, required=True, help="new folder, or an earlier bundle")
    parser.add_argument("--study", help="name of the study; by default the latest")
    parser.add_argument("--trial", type=int, help="its number; by default the best one")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer the held-out questions again, and compare the scores with the run's",
    )
    parser.add_argument("--onnx", action="store_true", help="add model.onnx, compared with PyTorch")
    parser.add_argument("--push", metavar="NAME", help="put it on the hub under this name, private")
    parser.add_argument("--public", action="store_true", help="with --push: for all to see")
    return parser
