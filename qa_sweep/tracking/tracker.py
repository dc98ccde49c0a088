"""What the project asks of an experiment tracker; no tracker's library is imported here.

Another tracker is one class that fulfils `RunTracker` and one line in `open_tracker`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """How a run ended."""

    complete = "complete"
    pruned = "pruned"
    failed = "failed"
    diverged = "diverged"
    interrupted = "interrupted"


class Subset(Enum):
    """Which part of the data a metric was computed on."""

    train = "train"
    eval = "eval"


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question about a context, the model's answer, and the gold answer where one is known.

    Scores lie between 0 and 1. `source` says where the question is from.
    """

    question: str
    context: str
    answer: str
    reference: str | None = None
    f1: float | None = None
    exact_match: float | None = None
    source: str = "questions"


class RunTracker(Protocol):
    """The record of one run. No method raises on the tracker's account or waits for its disk."""

    @property
    def run_hash(self) -> str | None:
        """Name of the run in the tracker, by which a retried trial continues it; known at once."""

    def set_params(self, params: Mapping[str, object]) -> None:
        """Store params by section, e.g. `{"hparams": {"learning_rate": 1e-4}, "data": {…}}`.

        A section that was stored before is replaced whole.
        """

    def track(
        self, metrics: Mapping[str, float], *, step: int, epoch: float | None, subset: Subset
    ) -> None:
        """Store each metric's value at `step`; a value at the same step replaces the earlier."""

    def track_questions(self, answered: Sequence[AnsweredQuestion]) -> None:
        """Store answered questions as texts; the step of a question is its index.

        A second call for the same `source` replaces the first.
        """

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        """Store how the run ended and close it; the second call does nothing."""


class NullTracker:
    """Tracks nothing, for `tracking.tracker=off`."""

    run_hash: str | None = None

    def set_params(self, params: Mapping[str, object]) -> None:
        pass

    def track(
        self, metrics: Mapping[str, float], *, step: int, epoch: float | None, subset: Subset
    ) -> None:
        pass

    def track_questions(self, answered: Sequence[AnsweredQuestion]) -> None:
        pass

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        pass
