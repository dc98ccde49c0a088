"""Ask: answers from the best model of a study, or from any model folder.

from qa_sweep import Answerer

answerer = Answerer.of_folder("results/tiny-embedded-1a2b3c4d/0")
answerer.ask("Who wrote it?", "Mary Shelley wrote it in 1818.")[0].text
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_sweep.commands import one_line_errors
from qa_sweep.config import EvaluationConfig
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example, check_example

if TYPE_CHECKING:
    from qa_sweep.model import Reader

_FALLBACK_MAX_LENGTH = 384  # for a model that was not trained here
_FALLBACK_DOC_STRIDE = 128


@dataclass(frozen=True)
class Answer:
    """A span of the context: `context[start:end] == text`; "" says that it holds no answer."""

    text: str
    start: int
    end: int
    probability: float  # among the candidates, and "no answer"


class Answerer:
    """A loaded reader that answers questions, long contexts window by window."""

    def __init__(self, reader: "Reader", config: EvaluationConfig | None = None) -> None:
        self._reader = reader
        self._windows = {
            "max_length": _FALLBACK_MAX_LENGTH,
            "doc_stride": _FALLBACK_DOC_STRIDE,
            **reader.trained_with,
        }
        self._config = config or EvaluationConfig()
        if config is None and reader.decision is not None:
            self._config.max_answer_length = reader.decision.max_answer_length

    @staticmethod
    def of_folder(folder: str | Path) -> "Answerer":
        """From a run folder or a model folder. Raises ModelError where it cannot be loaded."""
        from qa_sweep.model import load_reader

        inner = Path(folder) / "model"
        return Answerer(load_reader(str(inner if inner.is_dir() else folder)))

    def ask(self, question: str, context: str) -> list[Answer]:
        """The n-best answers, best first, "" among them where the model knows of no answer.

        Raises DataError for an empty question or context.
        """
        from qa_sweep.evaluation import answer
        from qa_sweep.qa.decisions import Decision

        example = check_example(Example("question", question, context), "the question")
        candidates = answer(self._reader, [example], self._config, **self._windows)
        longest = self._config.max_answer_length
        decision = replace(self._reader.decision or Decision(longest), max_answer_length=longest)
        probability, of_nothing = decision.probabilities(candidates)
        answers = [
            Answer(context[start:end], int(start), int(end), float(likely))
            for start, end, likely in zip(
                candidates.start_char, candidates.end_char, probability, strict=True
            )
        ]
        if decision.threshold is not None:
            answers.append(Answer("", 0, 0, float(of_nothing[0])))
        return sorted(answers, key=lambda answer: -answer.probability)


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question; return the exit code."""
    options = _parser().parse_args(arguments)
    context = _read_context(options.context)
    folder = options.model or _best_folder(options)
    answers = Answerer.of_folder(folder).ask(options.question, context)
    if options.json:
        print(json.dumps([asdict(answer) for answer in answers], ensure_ascii=False, indent=2))
    elif answers:
        print(answers[0].text or "(no answer in the context)")
    return 0 if answers else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.ask", description="The best model of a study answers a question."
    )
    parser.add_argument("question")
    parser.add_argument(
        "--context", required=True, help="what to read: a file, - for standard input, or the text"
    )
    parser.add_argument("--model", help="run folder, model folder or hub name; by default the best")
    parser.add_argument("--study", help="name of the study; by default the latest")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    parser.add_argument("--json", action="store_true", help="all candidates with their offsets")
    return parser


def _read_context(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    try:
        is_file = Path(given).is_file()
    except OSError:  # a text too long to be a file's name
        is_file = False
    if not is_file:
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{given} must be a readable text in UTF-8: {error}") from error


def _best_folder(options: argparse.Namespace) -> Path:
    from qa_sweep.sweep.studies import find_study

    return find_study(options.results, options.study, options.storage).best_folder()


if __name__ == "__main__":
    sys.exit(main())
