"""Pruners and samplers by name."""

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from qa_sweep.errors import ConfigError
from qa_sweep.sweep import pruners, samplers
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.space import read_space
from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.study import StudyPlan, SweepStudy

OBJECTIVES = (Objective("objective", "minimize"),)
SETTINGS = {"wilcoxon": {"p_threshold": 0.2}, "patient": {"patience": 1}}


@pytest.mark.parametrize("name", pruners.NAMES)
def test_each_pruner_is_made_by_its_name(name) -> None:
    pruner = pruners.make_pruner(name, SETTINGS.get(name, {}))
    assert isinstance(pruner, optuna.pruners.BasePruner)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("bayes", {}, "must be one of none, asha"),
        ("asha", {"min_resources": 1}, "min_resources"),
        ("asha", {"reduction_factor": 1}, "reduction_factor"),
    ],
)
def test_a_pruner_that_cannot_be_is_refused(name, settings, message) -> None:
    with pytest.raises(ConfigError, match=message):
        pruners.make_pruner(name, settings)


@pytest.mark.parametrize("name", [n for n in samplers.NAMES if n not in ("auto", "grid")])
def test_each_sampler_draws_within_the_space_and_never_the_same_twice(name, tmp_path) -> None:
    overrides = ["x=interval(-1,1)", "n=int(interval(1,64))", "k=a,b"]
    space = read_space(OverridesParser.create().parse_overrides(overrides))
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db")
    plan = StudyPlan(sampler=name, n_trials=14)  # TPE and GP draw at random for the first ten
    study = SweepStudy(
        open_study(storage, "s", Identity.of(space, OBJECTIVES, {})), space, storage, plan
    )
    seen = []
    while (trial := study.claim()) is not None or study.refill():
        if trial is not None:
            seen.append(trial.params)
            assert -1 <= trial.params["x"] <= 1
            assert trial.params["k"] in ("a", "b")
            study.complete(trial, [trial.params["x"] ** 2], {})
    assert len(seen) == 14
    assert len({params["x"] for params in seen}) == 14
