"""Command: `python -m qa_sweep.ask QUESTION --context FILE`.

Whatever can be refused is refused before torch is imported.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa_sweep.ask.contexts import ContextSet, read_contexts
from qa_sweep.ask.models import ChosenModel, choose_best, choose_named
from qa_sweep.ask.questions import Question, read_questions, without_context
from qa_sweep.commands import one_line_errors
from qa_sweep.errors import ConfigError, DataError
from qa_sweep.terminal import visible

if TYPE_CHECKING:
    from qa_sweep.ask.session import Session

_DESCRIPTION = """\
The best model of a study answers a question about a context. Without a question, at a terminal,
questions are asked one after the other."""


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Answer; return the exit code, which is 0 also where the answer is that there is none."""
    options = _parser().parse_args(arguments)
    questions = _questions(options)
    contexts = _contexts(options, questions)
    model = _model(options)
    if questions is None:
        print(f"loading {visible(model.name)}", flush=True)
    session = _load(model, options)
    if questions is None:
        session.converse(contexts)
    else:
        session.answer(questions, contexts)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qa_sweep.ask", description=_DESCRIPTION)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("question", nargs="?", help="without one, at a terminal: a conversation")
    asked.add_argument(
        "--questions", metavar="FILE", help="one a line, or JSON Lines, CSV or SQuAD's JSON; or -"
    )
    parser.add_argument(
        "--context",
        metavar="FILE",
        action="append",
        help="what to read: a file, a folder of *.txt and *.md, - for standard input, or the text "
        "itself; may be given several times",
    )
    parser.add_argument(
        "--n-best", type=int, default=1, metavar="N", help="that many answers to a question"
    )
    parser.add_argument("--json", action="store_true", help="one object a question, on one line")
    parser.add_argument("--model", help="run folder, model folder or hub name; by default the best")
    parser.add_argument("--study", help="name of the study; by default the latest")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--track", action="store_true", help="store questions and answers with the run in Aim"
    )
    parser.add_argument("--repo", default=".", help="folder of the Aim repo, for --track")
    return parser


def _questions(options: argparse.Namespace) -> list[Question] | None:
    """What is asked; None where it will be typed."""
    if options.n_best < 1:
        raise ConfigError(f"--n-best must be at least 1, but got {options.n_best}")
    if options.questions is not None:
        return read_questions(options.questions)
    if options.question is None:
        if sys.stdin.isatty():
            return None
        raise DataError(
            "a question must be given: as the first argument, or several with --questions FILE; "
            "at a terminal they can be typed"
        )
    if not options.question.strip():
        raise DataError("the question must not be empty")
    return [Question(options.question)]


def _contexts(
    options: argparse.Namespace, questions: Sequence[Question] | None
) -> ContextSet | None:
    """What is read; None where each question has a context of its own, or it will be typed."""
    if options.context is None:
        needy = without_context(questions or ())
        if needy:
            where = "" if needy[0].id is None else f" ({needy[0].id} of {options.questions})"
            raise DataError(f"each question{where} needs a context to read; pass --context FILE")
        return None
    uses_input = options.context.count("-") + (options.questions == "-") + (questions is None)
    if "-" in options.context and uses_input > 1:
        raise DataError("standard input can be read once, but is asked for twice; give a file")
    contexts = read_contexts(options.context)
    for note in contexts.notes:
        print(f"qa_sweep: {visible(note)}", file=sys.stderr)
    return contexts


def _load(model: ChosenModel, options: argparse.Namespace) -> "Session":
    gc.disable()  # nothing of what is imported is garbage; looking for it takes a second
    try:
        from qa_sweep.lean_imports import lean_imports

        with lean_imports():
            from qa_sweep.ask.session import Session
    finally:
        gc.enable()
    return Session(model, options)


def _model(options: argparse.Namespace) -> ChosenModel:
    if options.model is not None:
        return choose_named(options.model)
    return choose_best(options.results, options.study, options.storage)
