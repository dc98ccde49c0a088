"""An example: a question, the context that is read, and the reference answers."""

from dataclasses import dataclass

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


def check_example(example: Example, where: str) -> Example:
    """Return `example` if it can be trained on and scored.

    `where` names the row for the message, e.g. `train.json, data[0].paragraphs[2].qas[1]`.
    Raises DataError on an empty question or context, an empty answer, or an answer text that does
    not stand at its offset.
    """
    if not example.question.strip():
        raise DataError(f"{where}: question must not be empty (id {example.id!r})")
    if not example.context.strip():
        raise DataError(f"{where}: context must not be empty (id {example.id!r})")
    for reference in example.references:
        _check_reference(reference, example, where)
    return example


def _check_reference(reference: Reference, example: Example, where: str) -> None:
    if not reference.text.strip():
        raise DataError(f"{where}: answer text must not be empty (id {example.id!r})")
    found = example.context[max(reference.start, 0) : max(reference.end, 0)]
    if reference.start < 0 or found != reference.text:
        raise DataError(
            f"{where}: answer {_shorten(reference.text)} must stand at character "
            f"{reference.start} of its context, where {_shorten(found)} was found "
            f"(id {example.id!r}); correct answer_start or the text"
        )


def _shorten(text: str, n_chars: int = 40) -> str:
    return repr(text if len(text) <= n_chars else text[: n_chars - 1] + "…")
