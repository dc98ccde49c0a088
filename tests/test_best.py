"""The best trial: which one it is, with repeats and without, and that all who show it agree."""

import io
import re
from collections.abc import Mapping, Sequence

import optuna
import yaml
from optuna.distributions import CategoricalDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, create_trial
from rich.console import Console

from qa_sweep.report.leaderboard import StudyLeaderboard
from qa_sweep.report.page_table import leaderboard_table
from qa_sweep.sweep.conclusion import conclude
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.repeats import Repeats
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import Leaderboard

OBJECTIVES = (Objective("loss", "minimize"),)
LUCKY = {"a": [0.0, 8.0, 9.0], "b": [1.0, 3.0, 2.0]}  # a has the best trial, b the best mean
WHY = "the median of the 3 trials of the point with the best mean loss"


def numbered(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    for number, trial in enumerate(trials):
        trial.number = number
    return list(trials)


def of_params(value: float, attributes: Mapping[str, object], **params: object) -> FrozenTrial:
    distributions = {name: CategoricalDistribution((each,)) for name, each in params.items()}
    return create_trial(
        value=value, params=params, distributions=distributions, user_attrs=dict(attributes)
    )


def repeated() -> list[FrozenTrial]:
    """Two points with three seeds each, from 7 on: trials 0 to 2, and 3 to 5."""
    repeats = Repeats(3, "seed", 7)
    return numbered(
        [
            of_params(value, {"loss": value, **repeats.attributes(index)}, x=x)
            for x, values in LUCKY.items()
            for index, value in enumerate(values)
        ]
    )


def test_with_repeats_it_is_the_median_trial_of_the_point_with_the_best_mean() -> None:
    board = Leaderboard.of(repeated(), OBJECTIVES)
    assert (board.best.params, board.best.values) == ({"x": "b"}, [2.0])
    assert board.why_best == WHY


def test_of_two_repeats_it_is_the_better_one() -> None:
    trials = [trial for trial in repeated() if trial.number not in (2, 5)]
    assert Leaderboard.of(trials, OBJECTIVES).best_number == 3


def test_a_swept_seed_counts_as_repeats_too() -> None:
    trials = [
        of_params(value, {}, x=x, seed=seed)
        for x, values in LUCKY.items()
        for seed, value in enumerate(values)
    ]
    assert Leaderboard.of(numbered(trials), OBJECTIVES).best.params == {"x": "b", "seed": 2}


def test_without_repeats_it_is_the_best_trial_also_where_params_are_not_known() -> None:
    trials = numbered([create_trial(value=value) for value in (3.0, 1.0, 2.0)])
    board = Leaderboard.of(trials, OBJECTIVES)
    assert (board.best_number, board.why_best) == (1, "")
    assert Leaderboard.of([], OBJECTIVES).best_number is None


def test_what_a_sweep_ends_with_names_it_and_says_why(tmp_path) -> None:
    console = Console(file=io.StringIO(), width=120)
    board = Leaderboard.of(repeated(), OBJECTIVES)
    assert conclude(console, board, tmp_path, "seed", [], None) == 2.0
    best = yaml.safe_load((tmp_path / "best.yaml").read_text())
    assert best == {
        "trial": 5,
        "folder": "5",
        "metrics": {"loss": 2.0},
        "params": {"x": "b", "seed": 9},
        "chosen_as": WHY,
        "point": {"trials": [3, 4, 5], "mean": 2.0, "deviation": 1.0},
    }
    assert f"  it is {WHY}" in console.file.getvalue().splitlines()


def test_a_report_marks_it_and_not_the_first_row(tmp_path) -> None:
    study = StudyOnDisk("s", tmp_path, OBJECTIVES, None, tuple(repeated()))
    storage = StudyStorage(InMemoryStorage(), None)
    optuna.create_study(study_name="s", storage=storage.backend)
    table = leaderboard_table(StudyLeaderboard.of(study, storage.leases("s"), []), "title")
    assert re.findall(r'<tr class="best"><th scope="row"[^>]*>(\d+)<', table) == ["5"]
    assert study.best_folder() == tmp_path / "s" / "5"
