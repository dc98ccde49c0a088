"""Space: Hydra's grammar means the same to a grid and to a search."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import Space, read_space


def space(*overrides: str) -> Space:
    return read_space(OverridesParser.create().parse_overrides(list(overrides)))


@pytest.mark.parametrize(
    ("override", "distribution", "spelled"),
    [
        ("a=16,32", CategoricalDistribution((16, 32)), ["a=16", "a=32"]),
        ("a=0.004,0.00004", CategoricalDistribution((0.004, 4e-05)), ["a=0.004", "a=4e-05"]),
        (
            "model=tiny,bert",
            CategoricalDistribution(("tiny", "bert")),
            ["model=tiny", "model=bert"],
        ),
        ("+a=null,3", CategoricalDistribution((None, 3)), ["+a=null", "+a=3"]),
        ("a=range(1,10,3)", IntDistribution(1, 7, step=3), ["a=1", "a=4", "a=7"]),
        (
            "a=range(0.1,0.4,0.1)",
            FloatDistribution(0.1, 0.3, step=0.1),
            ["a=0.1", "a=0.2", "a=0.3"],
        ),
        ("a=interval(1,8)", FloatDistribution(1, 8), None),
        ("a=int(interval(1,8))", IntDistribution(1, 8), None),
        ("a=tag(log,interval(1e-5,1e-3))", FloatDistribution(1e-5, 1e-3, log=True), None),
    ],
)
def test_sweep_becomes_distribution(override, distribution, spelled) -> None:
    (param,) = space(override).params
    assert param.distribution == distribution
    assert (param.values is None) == (spelled is None)
    if spelled is not None:
        assert [param.override(value) for value in param.values] == spelled


def test_values_that_are_not_plain_keep_their_spelling() -> None:
    (param,) = space("a=choice([1,2],{k:v},'c,d')").params
    assert [param.override(value) for value in param.values] == ["a=[1,2]", "a={k:v}", "a=c\\,d"]


def test_values_that_python_holds_equal_stay_apart() -> None:
    (param,) = space("a=true,1,1.0").params
    assert len(param.values) == 3


def test_grid_has_each_point_once_and_the_last_param_varies_quickest() -> None:
    points = list(space("a=1,2", "b=x,y,z").grid())
    assert [(point["a"], point["b"]) for point in points] == [
        (1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z"),
    ]  # fmt: skip


def test_covering_points_show_each_value_and_both_ends() -> None:
    points = space("a=1,2", "b=x,y,z", "c=interval(0.5,1)").covering_points()
    assert {point["a"] for point in points} == {1, 2}
    assert {point["b"] for point in points} == {"x", "y", "z"}
    assert {point["c"] for point in points} == {0.5, 1.0}


@pytest.mark.parametrize(
    "override", ["a=interval(2,1)", "a=interval(1,1)", "a=tag(log,interval(0,1))", "a=range(3,3)"]
)
def test_an_empty_or_impossible_sweep_is_refused(override) -> None:
    with pytest.raises(ConfigError, match="must"):
        space(override)


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_numbers_survive_the_way_through_a_space(numbers) -> None:
    (param,) = space("a=choice(" + ",".join(map(repr, numbers)) + ")").params
    parser = OverridesParser.create()
    back = [parser.parse_override(param.override(value)).value() for value in param.values]
    assert set(back) == set(numbers)
