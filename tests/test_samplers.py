"""Samplers: each one works on a space with conditions, and says what it does not learn from."""

import logging
import warnings
from collections.abc import Iterator

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from qa_sweep.sweep import internals
from qa_sweep.sweep.samplers import GRID, NAMES, choose_sampler, make_sampler
from qa_sweep.sweep.sampling import Sampling
from qa_sweep.sweep.space import Space, read_space

SEARCHES = [name for name in NAMES if name not in ("auto", GRID)]


def conditional_space() -> Space:
    parser = OverridesParser.create()
    sweeps = parser.parse_overrides(
        ["optimizer=sgd,adamw", "momentum=interval(0,1)", "rate=interval(0,1)"]
    )
    return read_space(sweeps, {"momentum": parser.parse_override("optimizer=sgd")})


@pytest.fixture
def optuna_log(caplog) -> Iterator[pytest.LogCaptureFixture]:
    optuna.logging.enable_propagation()
    with caplog.at_level(logging.WARNING):
        yield caplog
    optuna.logging.disable_propagation()


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_of_a_space_with_conditions_is_quiet_and_keeps_to_it(name, optuna_log) -> None:
    space = conditional_space()
    study = optuna.create_study()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(13):
            study.sampler = make_sampler(name, number, 0, grouped=True)
            study.enqueue_trial({"optimizer": ("sgd", "adamw")[number % 2]})
            trial = study.ask()
            for param in space.params:
                if param.applies(trial.params):
                    trial._suggest(param.name, param.distribution)
            assert space.is_point(trial.params)
            study.tell(trial, trial.params["rate"] + trial.params.get("momentum", 0.5))
    assert {len(trial.params) for trial in study.trials} == {2, 3}
    assert not [record for record in optuna_log.records if "samplers" in record.name]


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("tpe", ""),
        ("random", ""),
        ("gp", "momentum"),
        ("nsga2", "momentum"),
        ("cmaes", "optimizer, momentum"),
    ],
)
def test_params_that_a_sampler_draws_at_random_are_named(name, drawn, caplog) -> None:
    assert choose_sampler(name, conditional_space(), 10) == name
    assert [record.getMessage() for record in caplog.records] == (
        [f"hydra.sweeper.sampler={name} draws {drawn} at random; tpe learns from such params too"]
        if drawn
        else []
    )


def test_tpe_learns_from_params_that_only_some_trials_have() -> None:
    space = conditional_space()
    study = optuna.create_study()
    for params in (
        {"optimizer": "sgd", "momentum": 0.9, "rate": 0.1},
        {"optimizer": "adamw", "rate": 0.2},
    ):
        distributions = {name: space.distributions[name] for name in params}
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=1.0))
    (first, _) = study.trials

    def learns_from(grouped: bool) -> set[str]:
        return {*make_sampler("tpe", 0, 0, grouped).infer_relative_search_space(study, first)}

    assert learns_from(grouped=True) == {"optimizer", "momentum", "rate"}
    assert learns_from(grouped=False) == {"optimizer", "rate"}


@pytest.mark.parametrize("seed", range(8))
def test_a_point_that_a_ticket_names_is_drawn_by_no_other_before(seed) -> None:
    space = read_space(OverridesParser.create().parse_overrides(["x=1,2"]))
    study = optuna.create_study()
    study.enqueue_trial({"x": 1})
    study.enqueue_trial({})
    named, drawn = [internals.pop_ticket(study, study.trials) for _ in range(2)]
    assert named is not None
    assert drawn is not None
    sampling = Sampling(study, space, "random", seed)
    assert sampling.draw(internals.trial_id(drawn), drawn.number).params == {"x": 2}
    assert sampling.draw(internals.trial_id(named), named.number).params == {"x": 1}
