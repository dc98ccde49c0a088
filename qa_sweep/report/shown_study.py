"""Shown study: a study as Optuna's figures and importances are given it.

It has the trials that are given, under their own numbers, and of them what is shown: short names,
no attributes, which would only swell what is said of a point, and no text that a figure would take
for markup.
"""

import copy
import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.report.visible import visible
from qa_sweep.sweep import internals
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import short_name

_LOOK_ALIKES = str.maketrans("<>&", "‹›＆")  # of what plotly takes for tags and entities


class ShownStudy(optuna.Study):
    """A study of these trials; in a storage they would be numbered anew."""

    def __init__(self, objectives: Sequence[Objective], trials: Sequence[FrozenTrial]) -> None:
        storage = InMemoryStorage()
        directions = [StudyDirection[objective.direction.upper()] for objective in objectives]
        storage.create_new_study(directions, study_name="shown")
        super().__init__("shown", storage)
        internals.name_objectives(self, [harmless(objective.name) for objective in objectives])
        self._shown = list(trials)

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        found = [trial for trial in self._shown if states is None or trial.state in states]
        return copy.deepcopy(found) if deepcopy else found


def shown_study(
    study: StudyOnDisk, trials: Sequence[FrozenTrial], objectives: Sequence[int]
) -> ShownStudy:
    """Of the study these trials, and of its objectives those with these numbers.

    A trial whose value is no finite number counts as failed, for it cannot be drawn.
    """
    names = {name: name for trial in trials for name in trial.params}
    shown_names = {name: harmless(short_name(name, list(names))) for name in names}
    shown = [_shown(trial, shown_names, objectives) for trial in trials]
    shown.sort(key=lambda trial: trial.number)
    return ShownStudy([study.objectives[index] for index in objectives], shown)


def harmless(text: str) -> str:
    """The text without anything that plotly would take for markup."""
    return visible(text).translate(_LOOK_ALIKES)


def _shown(trial: FrozenTrial, names: Mapping[str, str], objectives: Sequence[int]) -> FrozenTrial:
    shown = copy.copy(trial)
    # Distributions first: the params are checked against them.
    shown.distributions = {names[k]: _distribution(d) for k, d in trial.distributions.items()}
    shown.params = {names[name]: _value(value) for name, value in trial.params.items()}
    shown.user_attrs = {}
    if trial.values is not None:
        shown.values = [trial.values[index] for index in objectives]
        if not all(map(math.isfinite, shown.values)):
            shown.state, shown.values = TrialState.FAIL, None
    return shown


def _distribution(distribution: BaseDistribution) -> BaseDistribution:
    if isinstance(distribution, CategoricalDistribution):
        return CategoricalDistribution([_value(choice) for choice in distribution.choices])
    return distribution


def _value(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value
