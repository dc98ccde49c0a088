"""Hydra's sweep grammar: a job gets what it would get from Hydra's own sweeper."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import Param, read_space

SWEEPS = [
    "a=1,2,3",
    "a=choice(1,2,3)",
    "a=choice(7)",
    "a=1,1.0,true,'1'",
    "a=null,None,'null',''",
    "a=x,'c,d',\"it's\",e\\,f",
    "a=choice('c,d',' x ',y)",
    "a=choice('1',1,'null',x)",
    "a=[1,2],[1, 2],['x,y',null,[]]",
    "a={x:1},{x: 1.0},{}",
    "a=choice([1,2],{k:v},x)",
    "a=nan,inf,-inf,-0.0,0,1e20",
    "a=${b},x",
    "a=True,false",
    "a=range(4)",
    "a=range(1,10,3)",
    "a=range(10,1,-3)",
    "a=float(range(1,4))",
    "a=int(range(0.5,3.5))",
    "a=sort(range(10,1,-3))",
    "a=sort(range(1,10,3),reverse=true)",
    "a=tag(log,range(1,100,33))",
    "a=tag(fast,choice(1,2))",
    "a=int(1.5,2.5)",
    "a=int(1.2,1.4)",
    "a=float(1,2)",
    "a=str(1,2)",
    "a=bool(0,1)",
    "a=sort(3,1,2)",
    "a=sort(choice(b,c,a),reverse=true)",
    "+c=1,x",
    "++a=1,x",
    "model=tiny,bert",
    "model=glob(*)",
    "model=glob([t*,b*],exclude=bert)",
    "+model@teacher=tiny,bert",
    "+model@heads.first=glob(b*)",
]


@pytest.fixture(scope="module", autouse=True)
def hydra(tmp_path_factory) -> Any:
    """An app whose config has `a`, `b` and a choice of models."""
    folder = tmp_path_factory.mktemp("conf")
    (folder / "model").mkdir()
    (folder / "config.yaml").write_text("defaults: [_self_, model: tiny]\na: 0\nb: deep\n")
    for number, name in enumerate(("tiny", "bert", "big")):
        (folder / "model" / f"{name}.yaml").write_text(f"name: {name}\nlayers: {number}\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        yield
    composed.cache_clear()


def parsed(*overrides: str) -> list[Override]:
    loader = GlobalHydra.instance().config_loader()
    return OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))


def param(override: str) -> Param:
    (only,) = read_space(parsed(override)).params
    return only


def value_of(override: str) -> Any:
    return parsed(override)[0].value()


@cache
def composed(override: str) -> str:
    """The job's config, written so that 1, 1.0 and True differ."""
    config = OmegaConf.to_container(compose("config", [override]), resolve=True)
    return repr(config)


def of_hydra(*sweeps: str) -> list[list[str]]:
    """The jobs' overrides by Hydra's own sweeper."""
    (batch,) = BasicSweeper.split_arguments(parsed(*sweeps), None)
    return batch


@pytest.mark.parametrize("sweep", SWEEPS)
def test_jobs_get_what_they_get_from_hydra_and_each_value_once(sweep) -> None:
    ours = [composed(override) for override in map(param(sweep).override, param(sweep).values)]
    hydras = [composed(override) for (override,) in of_hydra(sweep)]
    assert ours == list(dict.fromkeys(hydras))


@pytest.mark.parametrize("override", ["range(0,1,0.1)", "range(1,-1,-0.1)", "range(0.1,0.35,0.1)"])
def test_float_ranges_are_those_of_hydra_without_the_dust_of_adding_up(override) -> None:
    hydras = [float(job.removeprefix("a=")) for (job,) in of_hydra(f"a={override}")]
    values = param(f"a={override}").values
    assert values == pytest.approx(hydras)
    assert all(len(str(value)) <= 4 for value in values)


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("a=range(0.1,0.4,0.1)", (0.1, 0.2, 0.3)),  # Hydra's has 0.4, and 0.30000000000000004
        ("a=range(1,0,-0.25)", (1.0, 0.75, 0.5, 0.25)),
        ("a=sort(range(0.2,-0.1,-0.1))", (0.0, 0.1, 0.2)),
        ("a=sort(range(0.1,0.4,0.1),reverse=true)", (0.3, 0.2, 0.1)),
        ("a=tag(log,range(0.1,0.4,0.1))", (0.1, 0.2, 0.3)),
        ("a=range(1000000.1,1000000.4,0.1)", (1000000.1, 1000000.2, 1000000.3)),
    ],
)
def test_a_float_range_leaves_its_stop_out(override, values) -> None:
    assert param(override).values == values


@given(
    low=st.decimals(-1000, 1000, places=3),
    step=st.decimals("0.001", 10, places=3),
    n_steps=st.integers(1, 20),
    is_down=st.booleans(),
)
def test_a_float_range_has_the_steps_as_written(low, step, n_steps, is_down) -> None:
    step = -step if is_down else step
    swept = param(f"a=range({low},{low + n_steps * step},float({step}))")
    assert list(swept.values) == [float(low + i * step) for i in range(n_steps)]
    keys = [swept.key(value) for value in swept.values]
    assert sorted(keys) == list(range(n_steps))
    # What a sampler makes of them by adding up is still the same value.
    assert [swept.key(float(low) + i * float(step)) for i in range(n_steps)] == keys
    assert swept.override(float(low) + float(step) * (n_steps - 1)) == f"a={swept.values[-1]}"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text().map(lambda text: QuotedString(text, Quote.single)),
    st.from_regex(r"[a-zA-Z][a-zA-Z0-9_./-]*", fullmatch=True),
)
elements = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), inner, max_size=3),
    ),
    max_leaves=5,
)


def spelled(element: Any) -> str:
    if isinstance(element, QuotedString):
        return element.with_quotes()
    if isinstance(element, list):
        return f"[{','.join(map(spelled, element))}]"
    if isinstance(element, dict):
        return "{" + ",".join(f"{key}:{spelled(value)}" for key, value in element.items()) + "}"
    return "null" if element is None else str(element)


@st.composite
def choices(draw: Any, name: str) -> str:
    if draw(st.booleans()):
        return f"{name}={','.join(map(spelled, draw(st.lists(elements, min_size=2, max_size=4))))}"
    values = draw(st.lists(elements.filter(lambda e: e is not None), min_size=1, max_size=4))
    return f"{name}=choice({','.join(map(spelled, values))})"  # `choice` takes no null


@given(choices("a"), choices("+b"))
def test_a_grid_of_any_choices_is_that_of_hydra(first, second) -> None:
    space = read_space(parsed(first, second))
    ours = [tuple(space.overrides(point)) for point in space.grid()]
    hydras = list(dict.fromkeys(map(tuple, of_hydra(first, second))))
    assert len(ours) == len(hydras) == space.size
    for our_job, hydras_job in zip(ours, hydras, strict=True):
        for our_override, hydras_override in zip(our_job, hydras_job, strict=True):
            if our_override != hydras_override:  # Hydra cannot read what it wrote
                with pytest.raises(HydraException):
                    value_of(hydras_override)
                value_of(our_override)


@given(st.lists(st.text(), min_size=2, max_size=4, unique=True))
def test_any_quoted_strings_survive(texts) -> None:
    quoted = [QuotedString(text, Quote.double).with_quotes() for text in texts]
    swept = param(f"a={','.join(quoted)}")
    assert [value_of(swept.override(value)) for value in swept.values] == texts


def test_strings_without_escapes_can_be_chosen_too() -> None:
    swept = param("a=choice('für','~/models',\"it's\")")
    assert swept.values == ("für", "~/models", "it's")
    assert [composed(swept.override(value)) for value in swept.values] == [
        repr({"a": value, "b": "deep", "model": {"name": "tiny", "layers": 0}})
        for value in swept.values
    ]


@pytest.mark.parametrize("override", ["a=shuffle(3,1,2,'x,y')", "a=shuffle(range(1,20))"])
def test_shuffled_sweeps_are_one_space_however_they_fall(override) -> None:
    one, other = (read_space(parsed(override)) for _ in range(2))
    assert one.describe() == other.describe()
    assert set(map(one.key, one.grid())) == set(map(other.key, other.grid()))
    (swept,) = one.params
    for value in swept.values:
        assert value_of(swept.override(value)) == value
    orders = {tuple(param("a=shuffle(range(1,20))").values) for _ in range(5)}
    assert len(orders) > 1


def test_the_last_of_two_sweeps_of_one_param_counts() -> None:
    space = read_space(parsed("a=1,2", "b=3,4", "a=5,6"))
    assert [tuple(point.values()) for point in space.grid()] == list(product((5, 6), (3, 4)))


@pytest.mark.parametrize(
    "override",
    [
        "a=interval(2,1)",
        "a=interval(1,1)",
        "a=interval(0,inf)",
        "a=interval(nan,1)",
        "a=tag(log,interval(0,1))",
        "a=tag(log,int(interval(0.5,8)))",
        "a=range(3,3)",
        "a=range(3,1)",
        "a=tag(log,range(3,1))",
        "a=range(1,5,0)",
        "a=range(1,inf)",
        "a=int(range(1,4,0.5))",
        "a=range(9007199254740993,9007199254740995)",
        "model=glob(nothing*)",
    ],
)
def test_an_empty_or_impossible_sweep_is_refused(override) -> None:
    with pytest.raises(ConfigError, match="must") as error:
        param(override)
    assert override in str(error.value)


def test_reading_a_huge_range_takes_no_time() -> None:
    space = read_space(parsed("a=range(0,1000000000)"))
    assert space.size == 1_000_000_000
    assert next(space.grid()) == {"a": 0}
    assert space.covering_points() == [{"a": 0}, {"a": 999_999_999}]
