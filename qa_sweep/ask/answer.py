"""Answer: what is said to a question, and where it stands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """A span of a context: `context[start:end] == text`; "" says that there is no answer.

    Offsets are characters.
    """

    text: str
    start: int
    end: int
    probability: float  # among the candidates, and "no answer"
    source: str | None = None  # name of the context, where contexts have names
