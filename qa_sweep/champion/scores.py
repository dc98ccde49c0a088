"""Scores of a run's answers, question by question, and how sure their means are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_sweep.errors import StudyError
from qa_sweep.report.significance import mean_interval
from qa_sweep.run_files import PREDICTIONS_FILE

SCORES = ("exact_match", "f1")


def read_scores(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Of a run folder, each (n_questions,), from 0 to 1. Raises StudyError where they are gone."""
    import pyarrow
    import pyarrow.parquet

    path = folder / PREDICTIONS_FILE
    try:
        table = pyarrow.parquet.read_table(path, columns=list(SCORES))
    except (OSError, pyarrow.ArrowException) as error:
        raise StudyError(
            f"{path} must hold the run's answers, but cannot be read; choose another trial"
        ) from error
    return {name: table[name].to_numpy() for name in SCORES}


def intervals(scores: dict[str, NDArray[np.float64]]) -> dict[str, tuple[float, float]]:
    """Where each mean lies with a confidence of 95 %, in percent."""
    found = {name: mean_interval(values) for name, values in scores.items()}
    return {name: (100 * interval.low, 100 * interval.high) for name, interval in found.items()}
