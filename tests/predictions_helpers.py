"""Studies whose trials have answered questions as told, on disk as real runs leave them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow
import pyarrow.parquet
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from qa_sweep.qa.scores import score
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.studies import StudyOnDisk

CONTEXT = "Ada Lovelace was born in London in 1815, and Charles Babbage in Walworth in 1791."
N_BEST = pyarrow.list_(
    pyarrow.struct(
        [
            ("text", pyarrow.string()),
            ("start", pyarrow.int32()),
            ("end", pyarrow.int32()),
            ("n_tokens", pyarrow.int32()),
            ("score", pyarrow.float64()),
            ("probability", pyarrow.float64()),
        ]
    )
)


@dataclass(frozen=True)
class Answered:
    """A question, and what a run answered: a text that stands in the context, or ""."""

    id: str
    answer: str
    references: Sequence[str] = ("London",)
    question: str = "Where was Ada born?"
    context: str = CONTEXT
    probability: float = 0.9
    start: int | None = None  # of the answer; by default where its text first stands

    def n_best(self) -> list[dict]:
        """The answer first, then the whole context."""
        place = self.context.index(self.answer) if self.start is None else self.start
        spans = [(self.answer, place, self.probability)] if self.answer else []
        spans.append((self.context, 0, 1 - self.probability))
        return [
            {
                "text": text,
                "start": start,
                "end": start + len(text),
                "n_tokens": len(text.split()),
                "score": 0.0,
                "probability": probability,
            }
            for text, start, probability in spans
        ]


@dataclass
class WrittenStudy:
    """A study that grows run by run."""

    results: Path
    trials: list[FrozenTrial] = field(default_factory=list)

    def add(self, answered: Sequence[Answered], seconds: float = 1.0) -> int:
        """A complete trial with these answers; returns its number."""
        scores = _scores(answered)
        folder = self.results / "written" / str(len(self.trials))
        folder.mkdir(parents=True)
        columns = {
            "id": [row.id for row in answered],
            "answer": [row.answer for row in answered],
            "exact_match": scores.exact_match_by_question,
            "f1": scores.f1_by_question,
            "question": [row.question for row in answered],
            "context": pyarrow.array([row.context for row in answered]).dictionary_encode(),
            "references": pyarrow.array(
                [list(row.references) for row in answered], pyarrow.list_(pyarrow.string())
            ),
            "null_score": [-5.0 if row.answer else 5.0 for row in answered],
            "n_windows": pyarrow.array([1] * len(answered), pyarrow.int32()),
            "n_best": pyarrow.array([row.n_best() for row in answered], N_BEST),
        }
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / "predictions.parquet")
        (folder / "result.json").write_text(json.dumps({"seconds": seconds}))
        number = len(self.trials)  # a point of its own, for no trial is another's repeat
        return self._add(
            create_trial(
                params={"x": number},
                distributions={"x": IntDistribution(0, 1_000)},
                value=scores.f1,
                user_attrs={"f1": scores.f1},
            )
        )

    def add_unfinished(self) -> int:
        return self._add(create_trial(state=TrialState.FAIL))

    def load(self, storage: str | None = None) -> StudyOnDisk:
        objectives = (Objective("f1", "maximize"),)
        return StudyOnDisk("written", self.results, objectives, None, tuple(self.trials), storage)

    def _add(self, trial: FrozenTrial) -> int:
        trial.number = len(self.trials)
        self.trials.append(trial)
        return trial.number


def _scores(answered: Sequence[Answered]):
    predictions: Mapping[str, str] = {row.id: row.answer for row in answered}
    return score(predictions, {row.id: row.references for row in answered})
