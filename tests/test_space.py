"""Space: its points are those that its params and their conditions allow, each once."""

from itertools import product
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import Space, read_space


def space(*overrides: str, conditions: dict[str, str] | None = None) -> Space:
    parser = OverridesParser.create()
    parsed = {name: parser.parse_override(text) for name, text in (conditions or {}).items()}
    return read_space(parser.parse_overrides(list(overrides)), parsed)


def optimizers() -> Space:
    """`momentum` is SGD's, `beta` is that of two others, `nesterov` needs a large momentum."""
    return space(
        "momentum=0.5,0.9",
        "optimizer=sgd,adamw,lion,none",
        "beta=1,2,3",
        "+nesterov=true,false",
        conditions={
            "momentum": "optimizer=sgd",
            "beta": "optimizer=lion,adamw",
            "nesterov": "momentum=0.9",
        },
    )


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
        ("a=tag(log,int(interval(1,8)))", IntDistribution(1, 8, log=True), None),
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
    assert len(points) == 3
    assert {point["a"] for point in points} == {1, 2}
    assert {point["b"] for point in points} == {"x", "y", "z"}
    assert {point["c"] for point in points} == {0.5, 1.0}


def test_a_param_whose_condition_is_not_met_is_absent() -> None:
    swept = optimizers()
    assert [param.name for param in swept.params] == ["optimizer", "momentum", "beta", "+nesterov"]
    assert [swept.overrides(point) for point in swept.grid()] == [
        ["optimizer=sgd", "momentum=0.5"],
        ["optimizer=sgd", "momentum=0.9", "+nesterov=True"],
        ["optimizer=sgd", "momentum=0.9", "+nesterov=False"],
        ["optimizer=adamw", "beta=1"],
        ["optimizer=adamw", "beta=2"],
        ["optimizer=adamw", "beta=3"],
        ["optimizer=lion", "beta=1"],
        ["optimizer=lion", "beta=2"],
        ["optimizer=lion", "beta=3"],
        ["optimizer=none"],
    ]
    assert swept.size == 10


def test_a_condition_may_name_any_listed_value_of_its_parent() -> None:
    swept = space(
        "a=[1,2],'c,d',null,1,1.0",
        "r=range(0.1,0.4,0.1)",
        "of_list=1,2",
        "of_text=1,2",
        "of_null=1,2",
        "of_float=1,2",
        "of_range=1,2",
        conditions={
            "of_list": "a=[1, 2]",
            "of_text": "a='c,d'",
            "of_null": "a=null",
            "of_float": "a=1.0",
            "of_range": "r=0.3",
        },
    )
    assert swept.size == (4 * 2 + 1) * (2 + 2)
    seen = [point for point in swept.grid() if point["r"] == 0.1]
    assert [tuple(point)[2:] for point in seen] == [
        *[("of_list",)] * 2, *[("of_text",)] * 2, *[("of_null",)] * 2, (), *[("of_float",)] * 2,
    ]  # fmt: skip
    of_range = swept.params[-1]
    assert of_range.applies({"r": 0.1 + 0.1 + 0.1})  # as a sampler adds it up


@st.composite
def trees(draw: Any) -> tuple[dict[str, int], dict[str, tuple[str, list[int]]]]:
    """Params' numbers of values, and parent and parent's values of those with a condition."""
    names = draw(st.permutations("abcde"))
    sizes = {name: draw(st.integers(1, 4)) for name in names}
    conditions = {}
    for index, name in enumerate(names[1:]):
        if draw(st.booleans()):
            parent = draw(st.sampled_from(names[: index + 1]))
            values = st.lists(st.integers(0, sizes[parent] - 1), min_size=1, unique=True)
            conditions[name] = (parent, draw(values))
    return sizes, conditions


@given(trees())
def test_the_grid_is_all_products_without_what_does_not_apply(tree) -> None:
    sizes, conditions = tree
    names = sorted(sizes)
    swept = space(
        *(f"{name}=range({sizes[name]})" for name in names),
        conditions={
            name: f"{parent}={','.join(map(str, values))}"
            for name, (parent, values) in conditions.items()
        },
    )

    def applies(name: str, point: dict[str, int]) -> bool:
        if name not in conditions:
            return True
        parent, values = conditions[name]
        return applies(parent, point) and point[parent] in values

    expected = set()
    for values in product(*(range(sizes[name]) for name in names)):
        point = dict(zip(names, values, strict=True))
        present = {name: value for name, value in point.items() if applies(name, point)}
        expected.add(tuple(sorted(present.items())))
    points = list(swept.grid())
    assert {tuple(sorted(point.items())) for point in points} == expected
    assert swept.size == len(points) == len(expected) == len(set(map(swept.key, points)))
    assert all(swept.is_point(point) for point in points)

    covering = swept.covering_points()
    assert all(swept.is_point(point) for point in covering)
    shown = {item for point in covering for item in point.items()}
    assert shown == {(name, value) for name in names for value in range(sizes[name])}
    assert len(covering) <= sum(sizes.values())

    before: set[str] = set()
    for param in swept.params:
        assert param.condition is None or param.condition.parent.name in before
        before.add(param.name)


def test_only_whole_points_are_points() -> None:
    swept = optimizers()
    assert swept.is_point({"optimizer": "sgd", "momentum": 0.5})
    assert not swept.is_point({"optimizer": "sgd"})
    assert not swept.is_point({"optimizer": "lion", "momentum": 0.5, "beta": 1})
    assert not swept.is_point({"momentum": 0.9, "+nesterov": True})
    assert swept.key({"optimizer": "none"}) == (3, None, None, None)


def test_a_huge_grid_is_counted_and_begun_at_once() -> None:
    swept = space(*(f"p{i}=range(0,10)" for i in range(30)), conditions={"p1": "p0=1"})
    assert swept.size == 19 * 10**28
    assert len(next(swept.grid())) == 29


def test_a_continuous_space_has_no_size() -> None:
    assert space("a=1,2", "b=interval(0,1)").size is None


@pytest.mark.parametrize(
    ("conditions", "complaint"),
    [
        ({"momentum": "lr=0.1"}, r"lr must have listed values, but is an interval"),
        ({"beta": "optimizer=sgd"}, r"conditions\.beta: beta must be a swept param"),
        ({"momentum": "model=x"}, r"conditions\.momentum: model must be a swept param"),
        ({"momentum": "optimizer=sgdd"}, "optimizer must be one of sgd, adamw, but got 'sgdd'"),
        ({"momentum": "optimizer=sgd,x"}, "but got 'x'"),
        ({"momentum": "optimizer=interval(0,1)"}, "must name values"),
        ({"momentum": "momentum=1"}, "must not form a circle, but momentum depends on momentum"),
        (
            {"lr": "momentum=1", "momentum": "optimizer=sgd", "optimizer": "momentum=2"},
            "momentum depends on optimizer, optimizer depends on momentum; leave one out",
        ),
    ],
)
def test_an_impossible_condition_is_refused(conditions, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        space("momentum=1,2", "optimizer=sgd,adamw", "lr=interval(0,1)", conditions=conditions)


def test_a_space_without_conditions_describes_itself_as_it_always_did() -> None:
    assert space("a=1,x", "b=range(1,7,2)", "c=interval(0,1)").describe() == {
        "a": '{"name": "CategoricalDistribution", "attributes": {"choices": [1, "x"]}}',
        "b": '{"name": "IntDistribution", "attributes": '
        '{"log": false, "step": 2, "low": 1, "high": 5}}',
        "c": '{"name": "FloatDistribution", "attributes": '
        '{"step": null, "low": 0.0, "high": 1.0, "log": false}}',
    }


def test_a_changed_condition_changes_the_description() -> None:
    def described(condition: str) -> dict[str, str]:
        return space("o=1,2,3", "m=1,2", conditions={"m": condition}).describe()

    assert described("o=1,2") == described("o=2,1")
    assert described("o=1,2") != described("o=1")
    assert described("o=1")["m"] != space("o=1,2,3", "m=1,2").describe()["m"]


@pytest.mark.parametrize(
    ("override", "raw", "value"),
    [
        ("a=16,32", 16, 16),
        ("a=16,32", "16", 16),
        ("a=interval(0,1)", 1, 1.0),
        ("a=interval(0,1)", "3e-5", 3e-5),
        ("a=tag(log,interval(1e-5,1))", 0.1, 0.1),
        ("a=int(interval(1,8))", 8, 8),
        ("a=range(0.1,0.4,0.1)", 0.1 + 0.1 + 0.1, 0.3),
        ("a=range(10,1,-3)", 4, 4),
        ("a=3e-5,1e-4", "3e-5", 3e-5),
        ("a=1.0,2.0", 1, 1.0),
        ("a=tiny,bert", "bert", "bert"),
        ("a='c,d',e", "c,d", "'c,d'"),
        ("a='c,d',e", "'c,d'", "'c,d'"),
        ("a=[1,2],x", [1, 2], "[1,2]"),
        ("a=[1,2],x", "[1, 2]", "[1,2]"),
        ("a=[1,2],x", OmegaConf.create([1, 2]), "[1,2]"),
        ("a={k:[1]},x", OmegaConf.create({"k": [1]}), "{k:[1]}"),
        ("a={k:[1]},x", {"k": [1]}, "{k:[1]}"),
        ("a=null,1,true,1.0", None, "null"),
        ("a=null,1,true,1.0", True, "True"),
        ("a=null,1,true,1.0", 1, "1"),
        ("a=null,1,true,1.0", 1.0, "1.0"),
        ("a=choice('für',b)", "für", "für"),
        ("+a=1,2", 2, 2),
    ],
)
def test_a_point_of_a_file_is_read_as_the_space_has_it(override, raw, value) -> None:
    swept = space(override)
    point = swept.read_point({"a": raw})
    assert [repr(read) for read in point.values()] == [repr(value)]
    assert [*point] == [swept.params[0].name]


@pytest.mark.parametrize(
    ("override", "raw"),
    [
        ("a=16,32", 64),
        ("a=16,32", 16.0),
        ("a=16,32", None),
        ("a=1,2", True),
        ("a=interval(0,1)", 1.5),
        ("a=interval(0,1)", True),
        ("a=interval(0,1)", "nan"),
        ("a=interval(0,1)", "x"),
        ("a=int(interval(1,8))", 2.0),
        ("a=range(1,10,3)", 5),
        ("a=range(0.1,0.4,0.1)", 0.4),
        ("a=range(0.1,0.4,0.1)", 0.25),
        ("a=[1,2],x", [2, 1]),
        ("a=[1,2],x", [1.0, 2]),
        ("a=[1,2],x", [1]),
        ("a={k:1},x", {"k": 2}),
        ("a=tiny,bert", "bert,tiny"),
    ],
)
def test_a_point_outside_of_the_space_is_refused(override, raw) -> None:
    with pytest.raises(ConfigError, match=r"hydra\.sweeper\.enqueue: a must be .*, but got") as e:
        space(override).read_point({"a": raw})
    assert repr(raw) in str(e.value)


def test_a_part_of_a_point_will_do_where_its_conditions_are_met() -> None:
    swept = optimizers()
    assert swept.read_point({}) == {}
    assert swept.read_point({"beta": 2, "optimizer": "lion"}) == {"optimizer": "lion", "beta": 2}
    nested = {"nesterov": True, "momentum": 0.9, "optimizer": "sgd"}
    assert swept.is_point(swept.read_point(nested))
    for unmet in ({"beta": 1}, {"beta": 1, "optimizer": "sgd"}, {"nesterov": True}):
        with pytest.raises(ConfigError, match="belongs to a trial only where"):
            swept.read_point(unmet)
    with pytest.raises(ConfigError, match=r"lr must be one of the swept params \(optimizer, mom"):
        swept.read_point({"lr": 1})


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_numbers_survive_the_way_through_a_space(numbers) -> None:
    (param,) = space("a=choice(" + ",".join(map(repr, numbers)) + ")").params
    parser = OverridesParser.create()
    back = [parser.parse_override(param.override(value)).value() for value in param.values]
    assert set(back) == set(numbers)
