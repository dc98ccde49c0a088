"""Predictions: what was answered to each held-out question, as Parquet.

Of the best evaluation everything is kept (`predictions.parquet`). Of each evaluation there is a
small file (`evaluations/STEP.parquet`): the answer and its scores, without the n-best, which is
forty times as large. One file an evaluation, so that a run that is pruned or killed keeps those it
made, one that goes on writes the missing ones, and no evaluation costs more than the one before;
the folder is read as one table: `pandas.read_parquet("evaluations")`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa_sweep.evaluation import Evaluation
from qa_sweep.files import whole_file
from qa_sweep.qa.example import Example
from qa_sweep.run_files import EVALUATIONS_FOLDER

if TYPE_CHECKING:  # pyarrow takes a tenth of a second to import
    import pyarrow


def save_predictions(path: Path, evaluation: Evaluation, examples: Sequence[Example]) -> None:
    """Write one row an example: answer, scores, texts, and the n-best with offsets."""
    import pyarrow

    candidates = evaluation.candidates
    columns = {
        **_scored_answers(evaluation, examples),
        "question": [example.question for example in examples],
        "context": _contexts(examples),
        "references": [[gold.text for gold in example.references] for example in examples],
        "null_score": candidates.null_score,
        "n_windows": candidates.n_windows.astype(np.int32),
        "n_best": _n_best(evaluation, examples),
    }
    _write(path, pyarrow.table(columns))


def save_evaluation(
    folder: Path, examples: Sequence[Example], step: int, evaluation: Evaluation
) -> None:
    """Write the evaluation at an optimizer step: one row an example, with answer and scores."""
    import pyarrow

    columns = {
        "step": np.full(len(examples), step, dtype=np.int32),
        **_scored_answers(evaluation, examples),
    }
    # Nine digits, so that names sort like steps.
    _write(folder / EVALUATIONS_FOLDER / f"{step:09d}.parquet", pyarrow.table(columns))


def _scored_answers(evaluation: Evaluation, examples: Sequence[Example]) -> dict[str, object]:
    return {
        "id": [example.id for example in examples],
        "answer": evaluation.answers,
        "exact_match": evaluation.scores.exact_match_by_question,
        "f1": evaluation.scores.f1_by_question,
    }


def _contexts(examples: Sequence[Example]) -> "pyarrow.DictionaryArray":
    """Each distinct context once: several questions are asked about one."""
    import pyarrow

    return pyarrow.array([example.context for example in examples]).dictionary_encode()


def _n_best(evaluation: Evaluation, examples: Sequence[Example]) -> "pyarrow.ListArray":
    """Return one list an example of its candidates, best first."""
    import pyarrow

    candidates = evaluation.candidates
    contexts = [example.context for example in examples]
    texts = [
        contexts[example][start:end]
        for example, start, end in zip(
            candidates.example.tolist(),
            candidates.start_char.tolist(),
            candidates.end_char.tolist(),
            strict=True,
        )
    ]
    fields = {
        "text": pyarrow.array(texts, pyarrow.string()),
        "start": pyarrow.array(candidates.start_char),
        "end": pyarrow.array(candidates.end_char),
        "n_tokens": pyarrow.array(candidates.n_tokens),
        "score": pyarrow.array(candidates.score),
        "probability": pyarrow.array(candidates.probability),
    }
    spans = pyarrow.StructArray.from_arrays(list(fields.values()), names=list(fields))
    return pyarrow.ListArray.from_arrays(
        pyarrow.array(candidates.row_starts, pyarrow.int32()), spans
    )


def _write(path: Path, table: "pyarrow.Table") -> None:
    import pyarrow.parquet

    with whole_file(path) as temporary:
        pyarrow.parquet.write_table(table, temporary, compression="zstd")
