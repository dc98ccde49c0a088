"""An example: a question, the context that is read, and the reference answers."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from qa_sweep.errors import DataError


@dataclass(frozen=True, slots=True)
class Reference:
    """A gold answer: `text` stands in the context at character `start`."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """First character behind the answer (spans are half-open)."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Example:
    """One question about one context; no references means that the context has no answer."""

    id: str
    question: str
    context: str
    references: tuple[Reference, ...] = ()
    title: str = ""

    @property
    def is_answerable(self) -> bool:
        return bool(self.references)


class Fault(Enum):
    """What can be wrong with a row, in the words by which it is counted."""

    unreadable = "unreadable row"
    missing_field = "missing field"
    wrong_type = "wrong type"
    not_utf8 = "text that is not UTF-8"
    empty_question = "empty question"
    empty_context = "empty context"
    empty_answer = "empty answer text"
    misplaced_answer = "answer that is not at its offset"
    unequal_answers = "answer lists of unequal lengths"
    contradiction = "answers that contradict is_impossible"
    repeated_row = "repeated row"
    repeated_id = "id of another row"


class BadRow(DataError):
    """A row that cannot be used as it is.

    `where` names it, e.g. `train.jsonl, line 7, answers[0]`. `repaired` is the example that the row
    certainly means, where there is one.
    """

    def __init__(self, where: str, problem: str, fault: Fault) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem
        self.fault = fault
        self.repaired: Example | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled by its message alone, on its way out of a worker too.
        return BadRow, (self.where, self.problem, self.fault), {"repaired": self.repaired}


def check_example(example: Example, where: str) -> Example:
    """Return `example` if it can be trained on and scored.

    `where` names the row for the message, e.g. `train.json, data[0].paragraphs[2].qas[1]`.
    Raises BadRow on an empty question or context, an empty answer, or an answer text that does
    not stand at its offset.
    """
    by_id = f"(id {example.id!r})"
    if not example.question.strip():
        raise BadRow(where, f"question must not be empty {by_id}", Fault.empty_question)
    if not example.context.strip():
        raise BadRow(where, f"context must not be empty {by_id}", Fault.empty_context)
    for reference in example.references:
        _check_reference(reference, example, where)
    return example


def stands_in(reference: Reference, context: str) -> bool:
    """Whether the text of `reference` stands in `context` at its offset."""
    return reference.start >= 0 and context.startswith(reference.text, reference.start)


def _check_reference(reference: Reference, example: Example, where: str) -> None:
    if not reference.text.strip():
        problem = f"answer text must not be empty (id {example.id!r})"
        raise BadRow(where, problem, Fault.empty_answer)
    if not stands_in(reference, example.context):
        found = example.context[max(reference.start, 0) : max(reference.end, 0)]
        raise BadRow(
            where,
            f"answer {_shorten(reference.text)} must stand at character {reference.start} of its "
            f"context, where {_shorten(found)} was found (id {example.id!r}); correct "
            f"answer_start or the text",
            Fault.misplaced_answer,
        )


def _shorten(text: str, n_chars: int = 40) -> str:
    return repr(text if len(text) <= n_chars else text[: n_chars - 1] + "…")
