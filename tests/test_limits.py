"""Limits: when a study takes no more trials."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.limits import Halt, Limits
from qa_sweep.sweep.tickets import ERROR, INFEASIBLE

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def finished(*outcomes: float | tuple[float, ...] | str | None) -> list[FrozenTrial]:
    """Trials in the order in which they finished: values, a failure's error, None if pruned."""
    trials = []
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            trial = optuna.trial.create_trial(state=TrialState.PRUNED)
        elif isinstance(outcome, str):
            trial = optuna.trial.create_trial(state=TrialState.FAIL, user_attrs={ERROR: outcome})
        else:
            values = outcome if isinstance(outcome, tuple) else (outcome,)
            trial = optuna.trial.create_trial(values=values)
        trial.number = number
        trial.datetime_complete = datetime(2026, 1, 1) + timedelta(seconds=number)
        trials.append(trial)
    return trials


@pytest.mark.parametrize(
    ("outcomes", "directions", "is_over"),
    [
        ((3.0, 2.0, 1.0), [MINIMIZE], False),
        ((1.0, 2.0, 3.0), [MINIMIZE], True),
        ((1.0, 2.0, 3.0), [MAXIMIZE], False),
        ((1.0, 1.0, 1.0), [MINIMIZE], True),  # as good is no progress
        ((1.0, None, None), [MINIMIZE], True),
        ((2.0, None, 1.0, None), [MINIMIZE], False),
        (((1.0, 5.0), (2.0, 4.0), (3.0, 3.0)), [MINIMIZE, MINIMIZE], False),
        (((1.0, 5.0), (2.0, 5.0), (1.0, 6.0)), [MINIMIZE, MINIMIZE], True),
        (((1.0, 5.0), (2.0, 5.0), (1.0, 6.0)), [MINIMIZE, MAXIMIZE], False),
    ],
)
def test_patience_ends_where_trials_bring_no_progress(outcomes, directions, is_over) -> None:
    halt = Limits(patience=2).halt(finished(*outcomes), directions)
    assert (halt == Halt("no better trial in the last 2", is_failure=False)) is is_over


def stalls(outcomes: Sequence[tuple[float, ...] | None], patience: int) -> bool:
    """By the definition, all objectives to be minimized."""
    is_progress = [
        values is not None
        and not any(
            before is not None and all(a <= b for a, b in zip(before, values, strict=True))
            for before in outcomes[:place]
        )
        for place, values in enumerate(outcomes)
    ]
    return len(outcomes) >= patience and not any(is_progress[-patience:])


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(st.none() | st.tuples(*[st.integers(0, 3).map(float)] * n), max_size=12)
    ),
    st.integers(1, 5),
)
def test_patience_is_what_its_definition_says(outcomes, patience) -> None:
    n_objectives = max((len(values) for values in outcomes if values), default=1)
    halt = Limits(patience).halt(finished(*outcomes), [MINIMIZE] * n_objectives)
    assert (halt is not None) is stalls(outcomes, patience)


def test_trials_that_finished_out_of_turn_are_counted_as_they_finished() -> None:
    trials = finished(3.0, 2.0, 1.0)
    trials.reverse()
    assert Limits(patience=2).halt(trials, [MINIMIZE]) is None


@pytest.mark.parametrize(
    ("outcomes", "is_over"),
    [
        (("no file", "no file"), False),
        (("no file", "no file", "no file"), True),
        (("x is 1", "x is 2.5", "x is 3e-5"), True),
        (("no file", "no disk", "no file"), False),
        (("no file", 1.0, "no file", "no file"), False),
        (("no file", None, "no file", "no file"), False),
    ],
)
def test_first_trials_that_all_fail_alike_end_the_sweep(outcomes, is_over) -> None:
    halt = Limits().halt(finished(*outcomes), [MINIMIZE])
    assert (halt is not None and halt.is_failure) is is_over


def test_infeasible_trials_are_no_failures() -> None:
    trials = finished("too big", "too big", "too big")
    for trial in trials:
        trial.user_attrs[INFEASIBLE] = True
    assert Limits(on_failure="stop").halt(trials, [MINIMIZE]) is None


def test_a_policy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be continue or stop, but got 'ignore'"):
        Limits(on_failure="ignore")
