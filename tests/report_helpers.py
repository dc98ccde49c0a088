"""Studies to report on: what a real sweep has left, and what may happen to one."""

import shutil
from pathlib import Path

import optuna
import pytest
from conftest import run
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import default_storage_url, open_storage

SWEEP = (
    "trainer.batch_size=16,32 trainer.learning_rate=0.004,0.0004 trainer.epochs=2 "
    "trainer.logging_steps=2 data.n_train=64 data.n_eval=40 "
    "hydra.sweeper.study_name=swept"
)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&lt;b&gt;[red]\x1b[2J\u202e%{x}"


@pytest.fixture(scope="session")
def swept_folder(tmp_path_factory) -> Path:
    """The folder in which a sweep of four trials was run."""
    folder = tmp_path_factory.mktemp("swept")
    finished = run(["-m", "qa_sweep", "-m", *SWEEP.split()], folder)
    assert finished.returncode == 0, finished.stderr
    return folder


@pytest.fixture
def results(swept_folder, tmp_path, monkeypatch) -> Path:
    """A copy of its results, in the working directory, with its Aim repo."""
    shutil.copytree(swept_folder, tmp_path / "swept", symlinks=True)
    monkeypatch.chdir(tmp_path / "swept")
    return Path("results")


def study_of(results: Path, name: str = "swept") -> optuna.Study:
    return optuna.load_study(study_name=name, storage=default_storage_url(results))


def unfinished(study: optuna.Study, state: TrialState, **told) -> FrozenTrial:
    """A trial with the params of the first one that ended in another way."""
    first = study.trials[0]
    return create_trial(state=state, params=first.params, distributions=first.distributions, **told)


def add_all_outcomes(results: Path) -> None:
    """To the four complete trials, one of each other kind: 4 to 9."""
    study = study_of(results)
    error = {"error": f"RuntimeError: {HOSTILE}\nsecond line"}
    study.add_trials(
        [
            unfinished(study, TrialState.PRUNED, intermediate_values={1: 20.0, 2: 12.5}),
            unfinished(study, TrialState.FAIL, user_attrs=error),
            unfinished(study, TrialState.FAIL, user_attrs={**error, "outcome": "diverged"}),
            unfinished(study, TrialState.FAIL, user_attrs={**error, "infeasible": True}),
            unfinished(study, TrialState.RUNNING, intermediate_values={1: 33.0}),
            unfinished(study, TrialState.WAITING),
        ]
    )


def hostile_study(results: Path, n_objectives: int = 1) -> None:
    """A study in whose name, objectives, params and values there is markup."""
    objectives = [Objective(f"{HOSTILE}{i}", "maximize") for i in range(n_objectives)]
    identity = Identity.of(Space(()), tuple(objectives), {})
    study = open_study(open_storage(default_storage_url(results)), f"s {HOSTILE}", identity)
    choices = CategoricalDistribution((HOSTILE, "plain", None, True))
    numbers = CategoricalDistribution((1, 2, 3))
    for number in range(9):
        params = {HOSTILE: choices.choices[number % 4], "number": 1 + number % 3}
        values = [float(number + 3 * i) for i in range(n_objectives)]
        study.add_trial(
            create_trial(
                values=values,
                params=params,
                distributions={HOSTILE: choices, "number": numbers},
                user_attrs={
                    **{o.name: v for o, v in zip(objectives, values, strict=True)},
                    "aim_run": HOSTILE,
                },
                intermediate_values={1: 0.5, 2: float(number)},
            )
        )
