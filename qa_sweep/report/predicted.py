"""Predicted: what a run answered to each question, and the texts of the questions.

Shapes: all arrays are (n_questions,), in the order of the ids.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from optuna.trial import TrialState

from qa_sweep.errors import StudyError
from qa_sweep.report.error_kinds import Examined, Kind, Span, examine
from qa_sweep.run_files import PREDICTIONS_FILE
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import state_of

if TYPE_CHECKING:  # pyarrow takes a tenth of a second to import
    import pyarrow

Floats = NDArray[np.float64]
_LARGEST_EXPONENT = 700  # of e, that is still a number
_TEXTS = ("question", "context", "references")
_ANSWERS = ("answer", "exact_match", "f1", "null_score", "n_best")


@dataclass(frozen=True, eq=False)
class Texts:
    """The questions that runs were asked."""

    ids: tuple[str, ...]
    questions: list[str]
    contexts: list[str]
    references: list[list[str]]  # none where the context has no answer


@dataclass(frozen=True, eq=False)
class Predicted:
    """What the run of a trial answered to `texts`."""

    number: int  # of the trial
    texts: Texts
    answers: list[str]
    exact_match: Floats
    f1: Floats
    starts: NDArray[np.int32]  # of the answers in their contexts, -1 where there is none
    ends: NDArray[np.int32]
    probability: Floats  # of the answer, among the n-best; nan where it is none of them

    def count_kinds(self) -> Counter[Kind]:
        wrong = np.flatnonzero(self.exact_match != 1).tolist()
        kinds = Counter(self.examine(question).kind for question in wrong)
        return kinds + Counter({Kind.right: len(self.answers) - len(wrong)})

    def span(self, question: int) -> Span | None:
        start = int(self.starts[question])
        return (start, int(self.ends[question])) if start >= 0 else None

    def examine(self, question: int) -> Examined:
        """The kind of the answer to the question of that number."""
        return examine(
            self.answers[question],
            self.texts.references[question],
            is_right=bool(self.exact_match[question] == 1),
            span=self.span(question),
            context=self.texts.contexts[question],
        )


def read_texts(study: StudyOnDisk, number: int) -> Texts:
    """What a complete trial was asked. Raises StudyError where that cannot be read."""
    import pyarrow

    table = _read(study, number, ("id", *_TEXTS))
    return Texts(
        tuple(table["id"].to_pylist()),
        table["question"].to_pylist(),
        table["context"].cast(pyarrow.string()).to_pylist(),
        table["references"].to_pylist(),
    )


def read_predicted(study: StudyOnDisk, number: int, texts: Texts) -> Predicted:
    """What a complete trial answered.

    Raises StudyError where that cannot be read, or the trial answered other questions.
    """
    table = _in_order(_read(study, number, ("id", *_ANSWERS)), number, texts.ids)
    starts, ends, probability = _chosen(table, may_be_none=not all(texts.references))
    return Predicted(
        number,
        texts,
        table["answer"].to_pylist(),
        table["exact_match"].to_numpy(),
        table["f1"].to_numpy(),
        starts,
        ends,
        probability,
    )


def _read(study: StudyOnDisk, number: int, columns: Sequence[str]) -> "pyarrow.Table":
    import pyarrow.parquet

    _check_complete(study, number)
    path = study.folder(number) / PREDICTIONS_FILE
    if not path.exists():
        raise StudyError(f"trial {number} must have left {path}, which is not there; name another")
    try:
        # A file by itself takes half of the time and memory that a data set of one file takes.
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read(list(columns), use_threads=False)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{path} must hold what trial {number} answered, but cannot be read: "
            f"{str(error).splitlines()[0]}; name another trial"
        ) from error
    if missing := set(columns) - set(table.column_names):
        raise StudyError(
            f"{path} must hold what trial {number} answered, and to what, but has no column "
            f"{min(missing)}, as if an earlier version had written it; name another trial"
        )
    return table


def _check_complete(study: StudyOnDisk, number: int) -> None:
    for trial in study.all_trials:
        if trial.number == number and trial.state is not TrialState.COMPLETE:
            raise StudyError(
                f"trial {number} must be complete to be compared, but is {state_of(trial)}"
            )
    if number not in {trial.number for trial in study.all_trials}:
        raise StudyError(f"study {study.name} has no trial {number}; its table names those it has")


def _in_order(table: "pyarrow.Table", number: int, ids: tuple[str, ...]) -> "pyarrow.Table":
    own = table["id"].to_pylist()
    if tuple(own) == ids:
        return table
    place = {id: row for row, id in enumerate(own)}
    if len(own) != len(ids) or place.keys() != set(ids):
        n_shared = len(place.keys() & set(ids))
        raise StudyError(
            f"trials must have answered the same questions to be compared, but of the {len(own)} "
            f"of trial {number} only {n_shared} are among the other's {len(ids)}"
        )
    return table.take([place[id] for id in ids])


def _chosen(
    table: "pyarrow.Table", *, may_be_none: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
    """Start, end and probability of each answer: those of the best candidate of its text.

    Where a question may have no answer, that is an outcome beside the candidates.
    """
    import pyarrow.compute as pc

    answers, n_best = table["answer"].combine_chunks(), table["n_best"].combine_chunks()
    candidates = pc.list_flatten(n_best)
    row = pc.list_parent_indices(n_best)
    is_chosen = pc.equal(pc.struct_field(candidates, "text"), answers.take(row))
    at = np.flatnonzero(is_chosen.to_numpy(zero_copy_only=False))
    row = row.to_numpy()
    rows, first = np.unique(row[at], return_index=True)
    found = candidates.take(at[first])
    starts, ends = (np.full(len(table), -1, dtype=np.int32) for _ in range(2))
    probability = np.full(len(table), np.nan)
    starts[rows] = pc.struct_field(found, "start").to_numpy()
    ends[rows] = pc.struct_field(found, "end").to_numpy()
    probability[rows] = pc.struct_field(found, "probability").to_numpy()
    if may_be_none:
        scores = pc.struct_field(candidates, "score").to_numpy()
        of_none = _of_none(scores, row, table["null_score"].to_numpy())
        is_none = pc.equal(answers, "").to_numpy(zero_copy_only=False)
        probability = np.where(is_none, of_none, probability * (1 - of_none))
    return starts, ends, probability


def _of_none(scores: Floats, row: NDArray[np.int64], null_score: Floats) -> Floats:
    """Probability of "no answer" to each question; `scores` and `row` are (n_candidates,)."""
    odds = np.exp(np.minimum(scores - null_score[row], _LARGEST_EXPONENT))
    return 1 / (1 + np.bincount(row, odds, minlength=len(null_score)))
