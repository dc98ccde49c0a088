"""Repeats: each point is run as often as it is said, with another seed, whatever happens."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import optuna
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sweep_helpers import study_of

from hydra_plugins.optuna5_sweeper.sweeper import Optuna5SweeperConf
from qa_sweep.errors import ConfigError
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.points import points_of
from qa_sweep.sweep.repeats import Repeats, index_of, repeat_overrides
from qa_sweep.sweep.settings import SweepSettings
from qa_sweep.sweep.space import Space, read_space
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.study import StudyPlan, SweepStudy

OBJECTIVES = (Objective("objective", "minimize"),)


def space(*overrides: str) -> Space:
    return read_space(OverridesParser.create().parse_overrides(list(overrides)))


class Case:
    """A study in memory, which may be opened again with another plan."""

    def __init__(self, *overrides: str, sampler: str = "grid") -> None:
        self.space = space(*overrides)
        self._storage = StudyStorage(InMemoryStorage(), None)
        self._study = optuna.create_study(study_name="s", storage=self._storage.backend)
        self._sampler = sampler

    def open(self, n_repeats: int, n_trials: int | None = None, **plan: Any) -> SweepStudy:
        repeats = Repeats(n_repeats, "seed", 7)
        how = StudyPlan(self._sampler, n_trials=n_trials, repeats=repeats, **plan)
        return SweepStudy(self._study, self.space, self._storage, how)

    def work(self, n_repeats: int, n_trials: int | None = None, **plan: Any) -> None:
        study = self.open(n_repeats, n_trials, **plan)
        while (trial := study.claim()) is not None or study.refill():
            if trial is not None:
                study.complete(trial, [float(trial.number)], {})
        assert study.is_complete

    def places(self) -> list[tuple[Any, int]]:
        """The first param's value and the repeat of each trial, in order."""
        trials = self._study.get_trials()
        return [(*trial.params.values(), index_of(trial)) for trial in trials]


def test_a_grid_runs_every_point_once_before_any_is_repeated() -> None:
    case = Case("x=1,2")
    case.work(3)
    assert case.places() == [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]


def test_each_repeat_has_a_seed_of_its_own_which_is_no_param() -> None:
    case = Case("x=choice(1)")
    case.work(3)
    trials = case.open(3).trials()
    assert [repeat_overrides(trial) for trial in trials] == [[], ["seed=8"], ["seed=9"]]
    assert all(trial.params.keys() == {"x"} for trial in trials)


def test_a_search_repeats_each_point_before_it_draws_the_next_one() -> None:
    case = Case("x=interval(0,1)", sampler="tpe")
    case.work(3, n_trials=7)
    drawn = [x for x, _ in case.places()]
    assert [index for _, index in case.places()] == [0, 1, 2, 0, 1, 2, 0]
    assert drawn == [drawn[0]] * 3 + [drawn[3]] * 3 + [drawn[6]]
    assert len(set(drawn)) == 3


def test_known_points_of_a_search_are_repeated_too() -> None:
    case = Case("x=interval(0,1)", "y=interval(0,1)", sampler="random")
    enqueued = ({"x": 0.25, "y": 0.5}, {"x": 0.75})
    case.work(2, n_trials=6, enqueued=enqueued)
    assert [x for x, _, _ in case.places()][:4] == [0.25, 0.25, 0.75, 0.75]


@pytest.mark.parametrize(("sampler", "n_trials"), [("grid", None), ("random", 9)])
def test_more_repeats_add_what_is_missing_and_fewer_nothing(sampler, n_trials) -> None:
    case = Case("x=1,2,3", sampler=sampler)
    case.work(1, n_trials and 3)
    for n_repeats in (3, 2):
        case.work(n_repeats, n_trials)
        assert Counter(case.places()) == Counter((x, i) for x in (1, 2, 3) for i in range(3))


def test_a_search_of_a_finite_space_ends_when_each_point_has_its_repeats() -> None:
    case = Case("x=1,2", sampler="tpe")
    case.work(2, n_trials=20)
    assert Counter(case.places()) == Counter((x, i) for x in (1, 2) for i in range(2))


def test_a_trial_that_is_tried_again_keeps_its_seed() -> None:
    study = Case("x=choice(1)").open(2)
    study.refill()
    study.complete(study.claim(), [0.0], {})
    study.refill()
    study.fail(study.claim(), "no luck")
    study.retry_failed()
    retry = study.claim()
    assert repeat_overrides(retry) == ["seed=8"]
    study.hand_back(retry)
    assert repeat_overrides(study.claim()) == ["seed=8"]


@pytest.mark.parametrize("n_trials", [None, 20])
def test_an_infeasible_point_is_not_repeated(n_trials) -> None:
    case = Case("x=1,2", sampler="grid" if n_trials is None else "random")
    study = case.open(2, n_trials)
    while (trial := study.claim()) is not None or study.refill():
        if trial is not None and trial.params["x"] == 1:
            study.fail(trial, "does not fit", infeasible=True)
        elif trial is not None:
            study.complete(trial, [0.0], {})
    assert sorted(case.places()) == [(1, 0), (2, 0), (2, 1)]
    assert study.is_complete


@settings(max_examples=30)
@given(
    st.sampled_from(["x=interval(0,1)", "x=range(0,4)"]),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 14)), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_a_search_has_exactly_its_number_of_trials_however_it_is_cut(sweep, cuts, n_workers):
    """`n_workers` trials are at work at a time, each cut with other repeats and more trials."""
    case, total = Case(sweep, sampler="random"), 0
    for n_repeats, n_more in cuts:
        size = case.space.size
        study = case.open(n_repeats, total + n_more)
        before, at_work = total, []
        while study.has_open:
            trial = study.claim()
            if trial is not None:
                at_work.append(trial)
            if at_work and (trial is None or len(at_work) == n_workers):
                study.complete(at_work.pop(0), [0.0], {})
            if trial is None:
                study.refill()
        total = len(study.trials())
        wanted = before + n_more if size is None else min(before + n_more, size * n_repeats)
        assert total == max(before, wanted)
        assert max(Counter(case.places()).values()) == 1


def test_a_setting_that_cannot_be_repeated_is_refused() -> None:
    def plan(sweep: str, value: Any, **given: Any) -> StudyPlan:
        conf = {key: v for key, v in asdict(Optuna5SweeperConf()).items() if key != "_target_"}
        chosen = SweepSettings(**{**conf, "repeats": 3, **given})
        return chosen.plan(space(sweep), lambda overrides, name: value)

    assert plan("x=1,2", 42).repeats == Repeats(3, "seed", 42)
    with pytest.raises(ConfigError, match="sets seed, which must not be swept then"):
        plan("+seed=1,2", 42)
    for value in (None, 0.5, True):
        with pytest.raises(ConfigError, match="must be one whole number for all trials, but is"):
            plan("x=1,2", value)
    with pytest.raises(ConfigError, match="must be at least 1, but got 0"):
        plan("x=1,2", 42, repeats=0)


@pytest.mark.parametrize("overrides", [["x=1,2"], ["x=1,2", "seed=7,8"]])
def test_points_are_ranked_by_their_mean(overrides) -> None:
    case = Case(*overrides)
    study = case.open(2 if len(overrides) == 1 else 1)
    while (trial := study.claim()) is not None or study.refill():
        if trial is not None:
            is_first = index_of(trial) == 0 and trial.params.get("seed", 7) == 7
            values = {1: [0.0, 4.0], 2: [1.0, 2.0]}[trial.params["x"]]
            study.complete(trial, [values[not is_first]], {})
    better, other = points_of(study.trials(), OBJECTIVES[0], "seed")
    assert (better.params, better.mean) == ({"x": 2}, 1.5)
    assert better.deviation == pytest.approx(0.5**0.5)
    assert (other.params, other.mean) == ({"x": 1}, 2.0)


def test_workers_share_the_repeats_out_and_the_tables_name_their_seeds(parabola, tmp_path) -> None:
    words = ["-m", "x=1,3", "+seed=7", "hydra.sweeper.repeats=2", "hydra.sweeper.n_workers=2"]
    planned = parabola(*words, "hydra.sweeper.dry_run=true").stdout
    assert "4 trials would run" in planned
    assert [line.split() for line in planned.splitlines() if line.strip()[:1].isdigit()] == [
        ["0", "1", "7"],
        ["1", "3", "7"],
        ["2", "1", "8"],
        ["3", "3", "8"],
    ]
    result = parabola(*words)
    assert result.returncode == 0, result.stderr
    trials = study_of(tmp_path).trials
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    (folder,) = (tmp_path / "results").glob("parabola-*")
    configs = [
        yaml.safe_load((folder / str(n) / ".hydra" / "config.yaml").read_text()) for n in range(4)
    ]
    assert [(config["x"], config["seed"]) for config in configs] == [(1, 7), (3, 7), (1, 8), (3, 8)]
    assert yaml.safe_load((folder / "best.yaml").read_text())["params"] == {"x": 3, "seed": 7}
    assert "points by mean objective" in result.stdout
    assert "it is the median of the 2 trials of the point" in result.stdout
    assert "trial 2  x=1 seed=8  complete" in result.stdout
