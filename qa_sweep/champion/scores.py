"""How sure the mean scores of a run are."""

from dataclasses import dataclass
from pathlib import Path

from qa_sweep.errors import StudyError
from qa_sweep.qa.intervals import Interval, percent_intervals
from qa_sweep.report.answers import read_scores


@dataclass(frozen=True)
class MeanScores:
    """Where each mean score lies with a confidence of 95 %, in percent; and of how many answers."""

    n_questions: int
    intervals: dict[str, Interval]


def mean_scores(folder: Path) -> MeanScores:
    """Those of a run folder. Raises StudyError where the run's answers are gone."""
    try:
        ids, scores = read_scores(folder)
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(
            f"{folder} must hold the run's answers, but they cannot be read; choose another trial"
        ) from error
    return MeanScores(len(ids), percent_intervals(scores))
