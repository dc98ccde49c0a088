"""Predictions: what was answered to each held-out question, as Parquet.

Of the best evaluation everything is kept (`predictions.parquet`). Of each evaluation there is a
small file (`evaluations/STEP.parquet`): the answer and its scores, without the n-best, which is
forty times as large. One file an evaluation, so that a run that is pruned or killed keeps those it
made, one that goes on writes the missing ones, and no evaluation costs more than the one before;
the folder is read as one table: `pandas.read_parquet("evaluations")`.

To import pyarrow starts a thread, and workers can be forked of a process without one alone; so this
is imported where it is used.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from qa_sweep import arrow
from qa_sweep.evaluation import Evaluation
from qa_sweep.files import whole_file
from qa_sweep.qa.example import Example
from qa_sweep.run_files import EVALUATIONS_FOLDER

Columns = dict[str, pyarrow.Array]


def save_predictions(path: Path, evaluation: Evaluation, examples: Sequence[Example]) -> None:
    """Write one row an example: answer, scores, texts, and the n-best with offsets."""
    candidates = evaluation.candidates
    columns = {
        **_scored_answers(evaluation, examples),
        "question": arrow.texts(example.question for example in examples),
        # Several questions are asked about one.
        "context": arrow.repeated_texts([example.context for example in examples]),
        "references": _references(examples),
        "null_score": arrow.numbers(candidates.null_score),
        "n_windows": arrow.numbers(candidates.n_windows.astype(np.int32)),
        "n_best": _n_best(evaluation, examples),
    }
    _write(path, columns)


def save_evaluation(
    folder: Path, examples: Sequence[Example], step: int, evaluation: Evaluation
) -> None:
    """Write the evaluation at an optimizer step: one row an example, with answer and scores."""
    columns = {
        "step": arrow.numbers(np.full(len(examples), step, dtype=np.int32)),
        **_scored_answers(evaluation, examples),
    }
    # Nine digits, so that names sort like steps.
    _write(folder / EVALUATIONS_FOLDER / f"{step:09d}.parquet", columns)


def _scored_answers(evaluation: Evaluation, examples: Sequence[Example]) -> Columns:
    return {
        "id": arrow.texts(example.id for example in examples),
        "answer": arrow.texts(evaluation.answers),
        "exact_match": arrow.numbers(evaluation.scores.exact_match_by_question),
        "f1": arrow.numbers(evaluation.scores.f1_by_question),
    }


def _references(examples: Sequence[Example]) -> pyarrow.ListArray:
    n_references = [len(example.references) for example in examples]
    texts = arrow.texts(gold.text for example in examples for gold in example.references)
    return arrow.lists(np.cumsum([0, *n_references]), texts)


def _n_best(evaluation: Evaluation, examples: Sequence[Example]) -> pyarrow.ListArray:
    """Return one list an example of its candidates, best first."""
    candidates = evaluation.candidates
    contexts = [example.context for example in examples]
    texts = (
        contexts[example][start:end]
        for example, start, end in zip(
            candidates.example.tolist(),
            candidates.start_char.tolist(),
            candidates.end_char.tolist(),
            strict=True,
        )
    )
    spans = arrow.structs(
        text=arrow.texts(texts),
        start=arrow.numbers(candidates.start_char),
        end=arrow.numbers(candidates.end_char),
        n_tokens=arrow.numbers(candidates.n_tokens),
        score=arrow.numbers(candidates.score),
        probability=arrow.numbers(candidates.probability),
    )
    return arrow.lists(candidates.row_starts, spans)


def _write(path: Path, columns: Columns) -> None:
    table = pyarrow.Table.from_arrays(list(columns.values()), names=list(columns))
    with whole_file(path) as temporary:
        pyarrow.parquet.write_table(table, temporary, compression="zstd")
