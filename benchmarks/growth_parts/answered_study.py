"""A study of made-up runs, most of which have answered the held-out questions of a problem."""

import random
from pathlib import Path

from optuna.distributions import distribution_to_json
from optuna.trial import TrialState
from report_parts.made_study import SPACE, STUDY, make_trial, write_answers, write_record

from growth_parts.problem import Problem
from qa_sweep.data import load_examples
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.storage import default_storage_url, open_storage


def make_study(results: Path, problem: Problem, n_trials: int) -> None:
    """The first six trials are complete, and six in ten of the others."""
    results.mkdir(parents=True)
    space = {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    identity = Identity(space, (Objective("f1", "maximize"),), {})
    study = open_study(open_storage(default_storage_url(results)), STUDY, identity)
    drawing = random.Random(0)
    study.add_trials([make_trial(number, drawing) for number in range(n_trials)])
    examples = load_examples(problem.config.data).eval
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        folder = results / STUDY / str(trial.number)
        folder.mkdir(parents=True)
        write_record(folder / "result.json", trial)
        share = trial.value / 100
        write_answers(folder / "predictions.parquet", examples, share, drawing)
