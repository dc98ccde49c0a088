"""Answers: what a run has said to the held-out questions, with the scores of its candidates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_sweep.run_files import PREDICTIONS_FILE


@dataclass(frozen=True, eq=False)
class Answers:
    """Of all questions, in their order."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]  # of all candidates
    scores: NDArray[np.float64]  # (n_candidates + n_questions,): of candidates and of no answer


def read_answers(folder: Path) -> Answers | None:
    """Of a run folder; None where they are gone, or are not to be read."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(
            folder / PREDICTIONS_FILE, columns=["id", "answer", "null_score", "n_best"]
        )
    except (OSError, pyarrow.ArrowException):
        return None
    best = table["n_best"].combine_chunks().flatten()
    starts, ends, scores = (best.field(name).to_numpy() for name in ("start", "end", "score"))
    return Answers(
        tuple(table["id"].to_pylist()),
        tuple(table["answer"].to_pylist()),
        tuple(zip(starts.tolist(), ends.tolist(), strict=True)),
        np.concatenate([scores, table["null_score"].to_numpy()]),
    )
