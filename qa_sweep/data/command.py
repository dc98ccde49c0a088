"""Command: `python -m qa_sweep.data PATH_OR_NAME` reports on a data set before a run reads it."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa_sweep.commands import one_line_errors
from qa_sweep.config import HubData, LocalData
from qa_sweep.data.files import SUFFIXES
from qa_sweep.data.settings import read_settings

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Report; return 1 where the data cannot be used as they are."""
    options = _parser().parse_intermixed_args(arguments)  # settings may follow an option
    config = _config(options)
    tokenizer = _tokenizer(options.model, config.clean)

    from qa_sweep.data.report import make_report

    report = make_report(config, tokenizer)
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        from rich.console import Console

        from qa_sweep.data.report_text import show

        show(report, Console())
    return 1 if report.problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.data", description="What is in a data set, and what a run would make of it."
    )
    parser.add_argument("path", metavar="PATH_OR_NAME", help="file, folder, or name on the hub")
    parser.add_argument(
        "settings",
        metavar="data.KEY=VALUE",
        nargs="*",
        help="settings as a run takes them, e.g. data.columns='{question: q}'",
    )
    parser.add_argument("--max-length", type=int, default=384, help="tokens of a window")
    parser.add_argument("--doc-stride", type=int, default=128, help="tokens that windows share")
    parser.add_argument("--model", help="folder or hub name, to count in the tokens of its own")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    return parser


def _config(options: argparse.Namespace) -> HubData | LocalData:
    given = {
        "path": options.path,
        "name": options.path,
        "max_length": options.max_length,
        "doc_stride": options.doc_stride,
    }
    if _is_local(options.path):
        return read_settings(LocalData, options.settings, **given)
    return read_settings(HubData, options.settings, **given)


def _is_local(path: str) -> bool:
    """Whether a path is meant, rather than a name on the hub."""
    found = Path(path).expanduser()
    looks_so = path.startswith((".", "/", "~")) or found.suffix.lower() in SUFFIXES
    return looks_so or found.exists()


def _tokenizer(model: str | None, is_cleaned: bool) -> "PreTrainedTokenizerBase | None":
    if model is None:
        return None
    from qa_sweep.data.preparation import set_cleaning
    from qa_sweep.data.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(model)
    set_cleaning(tokenizer, is_cleaned)
    return tokenizer
