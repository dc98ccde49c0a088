"""Wrong answer: a question, and what a run answered that is not what its references say."""

from collections.abc import Sequence
from dataclasses import dataclass

from qa_sweep.report.error_kinds import Examined, Span
from qa_sweep.report.predicted import Predicted


@dataclass(frozen=True)
class WrongAnswer:
    """With all that is needed to show it."""

    id: str
    question: str
    context: str
    references: Sequence[str]  # none where the context has no answer
    answer: str  # "" for no answer
    span: Span | None
    probability: float  # nan where it is not known
    examined: Examined

    @staticmethod
    def of(run: Predicted, question: int) -> "WrongAnswer":
        """That of a run to the question of that number."""
        texts = run.texts
        return WrongAnswer(
            texts.ids[question],
            texts.questions[question],
            texts.contexts[question],
            texts.references[question],
            run.answers[question],
            run.span(question),
            float(run.probability[question]),
            run.examine(question),
        )
