"""Answers: what each run of a study made of the held-out questions, one by one."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import TrialState

from qa_sweep.run_files import PREDICTIONS_FILE, RESULT_FILE
from qa_sweep.sweep.points import params_of_point
from qa_sweep.sweep.repeats import setting_of
from qa_sweep.sweep.studies import StudyOnDisk

SCORES = ("f1", "exact_match")

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunAnswers:
    """The scores of a run, from 0 to 1, question by question: each (n_questions,)."""

    number: int  # of the trial
    ids: tuple[str, ...]
    scores: dict[str, NDArray[np.float64]]  # by metric
    seconds: float  # that the run has taken
    params: Mapping[str, Any] | None = None  # without the seed; None where they are not known


def read_answers(study: StudyOnDisk) -> list[RunAnswers]:
    """Those of the complete trials, best trial first; one whose files are gone costs a warning."""
    found: list[RunAnswers] = []
    known: dict[tuple[str, ...], tuple[str, ...]] = {}  # most runs answered the same questions
    trials = study.leaderboard.trials
    repeat_setting = setting_of(trials)
    for trial in trials:
        if trial.state is not TrialState.COMPLETE:
            continue
        try:
            params = params_of_point(trial.params, repeat_setting)
            run = _read(trial.number, study.folder(trial.number), params)
        except (OSError, ValueError, KeyError) as error:
            log.warning("the answers of trial %d cannot be read: %s", trial.number, error)
        else:
            found.append(replace(run, ids=known.setdefault(run.ids, run.ids)))
    return found


def read_scores(folder: Path) -> tuple[tuple[str, ...], dict[str, NDArray[np.float64]]]:
    """Ids of the questions of a run folder, and by metric their scores, from 0 to 1.

    Raises OSError, ValueError or KeyError where they are gone or are none.
    """
    import pyarrow.parquet

    # The usual ways to a table and to NumPy import pandas, which takes a second.
    with pyarrow.parquet.ParquetFile(folder / PREDICTIONS_FILE) as file:
        table = file.read(["id", *SCORES], use_threads=False)
    scores = {name: np.array(table[name].to_pylist()) for name in SCORES}
    return tuple(table["id"].to_pylist()), scores


def on_same_questions(runs: Sequence[RunAnswers]) -> list[RunAnswers]:
    """The runs that answered the questions of the first, with the scores in its order."""
    if not runs:
        return []
    ids = runs[0].ids
    return [
        _in_order(run, ids) for run in runs if len(run.ids) == len(ids) == len({*run.ids, *ids})
    ]


def _in_order(run: RunAnswers, ids: tuple[str, ...]) -> RunAnswers:
    if run.ids == ids:
        return run
    place = {id: index for index, id in enumerate(run.ids)}
    order = [place[id] for id in ids]
    scores = {name: values[order] for name, values in run.scores.items()}
    return replace(run, ids=ids, scores=scores)


def _read(number: int, folder: Path, params: Mapping[str, Any]) -> RunAnswers:
    ids, scores = read_scores(folder)
    seconds = json.loads((folder / RESULT_FILE).read_text())["seconds"]
    return RunAnswers(number, ids, scores, float(seconds), params)
