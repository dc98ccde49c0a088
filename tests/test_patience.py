"""Patience: a server that is away for a while; what it was asked for happens once."""

import logging
from collections.abc import Callable

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from qa_sweep.errors import StudyError
from qa_sweep.sweep import patience
from qa_sweep.sweep.patience import PatientStorage

WAITING = create_trial(state=TrialState.WAITING)


class Away(Exception):
    """What the storage below raises while it is away."""


class Flaky(InMemoryStorage):
    """Does what it is told, and then does not answer, `n_lost` times; or it is away before."""

    def __init__(self, n_lost: int = 1, does_it: bool = True) -> None:
        super().__init__()
        self.n_lost = n_lost
        self.does_it = does_it
        self.meanwhile: Callable[[], object] = lambda: None

    def lose(self, call: Callable[[], object]) -> object:
        if self.n_lost == 0:
            return call()
        self.n_lost -= 1
        if self.does_it:
            call()
        self.meanwhile()
        raise Away("connection reset")

    def create_new_trial(self, *arguments, **named):
        return self.lose(lambda: InMemoryStorage.create_new_trial(self, *arguments, **named))

    def set_trial_state_values(self, *arguments, **named):
        return self.lose(lambda: InMemoryStorage.set_trial_state_values(self, *arguments, **named))


@pytest.fixture
def flaky(monkeypatch) -> tuple[Flaky, PatientStorage]:
    """A flaky storage that holds a study with one RUNNING trial, and patience with it."""
    monkeypatch.setattr(patience, "_INTERVAL_S", 0.01)
    storage = Flaky(n_lost=0)
    storage.create_new_trial(storage.create_new_study([StudyDirection.MINIMIZE], "s"))
    storage.n_lost = 1
    return storage, PatientStorage(storage, lambda e: isinstance(e, Away), "x://host", 0.2)


@pytest.mark.parametrize("does_it", [True, False])
def test_a_trial_whose_adding_was_not_answered_is_there_once(flaky, does_it) -> None:
    below, storage = flaky
    below.does_it, below.n_lost = does_it, 2
    assert storage.create_new_trial(0, WAITING) == 1
    assert storage.create_new_trial(0) == 2
    states = [trial.state for trial in below.get_all_trials(0)]
    assert states == [TrialState.RUNNING, TrialState.WAITING, TrialState.RUNNING]


@pytest.mark.parametrize("does_it", [True, False])
def test_a_result_that_was_not_answered_is_told_once(flaky, does_it) -> None:
    below, storage = flaky
    below.does_it = does_it
    assert storage.set_trial_state_values(0, TrialState.COMPLETE, [1.5])
    assert below.get_trial(0).value == 1.5


def test_a_result_that_somebody_else_told_meanwhile_stays(flaky) -> None:
    below, storage = flaky
    below.does_it = False
    below.meanwhile = lambda: below.set_trial_state_values(0, TrialState.COMPLETE, [7.0])
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(0, TrialState.COMPLETE, [1.5])
    assert below.get_trial(0).value == 7.0


@pytest.mark.parametrize("does_it", [True, False])
def test_a_ticket_that_was_claimed_meanwhile_is_not_handed_back_again(flaky, does_it) -> None:
    below, storage = flaky
    below.does_it = does_it
    if does_it:
        below.meanwhile = lambda: below.set_trial_state_values(0, TrialState.RUNNING)
    assert storage.set_trial_state_values(0, TrialState.WAITING)
    assert below.get_trial(0).state is (TrialState.RUNNING if does_it else TrialState.WAITING)


def test_an_outage_is_said_once_and_its_end_once(flaky, caplog) -> None:
    below, storage = flaky
    below.n_lost, below.does_it = 5, False
    with caplog.at_level(logging.WARNING):
        storage.create_new_trial(0, WAITING)
    ours = [record for record in caplog.records if record.name.startswith("qa_sweep")]
    assert [record.getMessage() for record in ours] == [
        "x://host cannot be used now (connection reset); trying again",
        "x://host can be used again",
    ]


def test_patience_ends(flaky) -> None:
    below, storage = flaky
    below.n_lost, below.does_it = 10**9, False
    with pytest.raises(StudyError, match=r"x://host must answer, but has not for 0 s"):
        storage.create_new_trial(0, WAITING)


def test_other_errors_are_no_matter_of_patience(flaky) -> None:
    _, storage = flaky
    with pytest.raises(KeyError):
        storage.get_trial(99)


def test_a_study_works_on_a_patient_storage_as_on_any(flaky) -> None:
    below, storage = flaky
    below.n_lost = 0
    study = optuna.create_study(
        storage=storage, study_name="t", sampler=optuna.samplers.NSGAIISampler()
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) ** 2, n_trials=5)
    assert study.best_value == min(trial.value for trial in study.trials)
    assert sorted(optuna.get_all_study_names(storage)) == ["s", "t"]
