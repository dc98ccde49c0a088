"""Composing a job's config quickly gives what Hydra gives, its errors included."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import PARABOLA, ROOT
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from qa_sweep import cli
from qa_sweep.sweep.composing import Composer


@pytest.fixture(autouse=True)
def _no_hydra_left_behind() -> Iterator[None]:
    yield
    GlobalHydra.instance().clear()


def assert_same(folder: Path, arguments: list[str], fixed: list[str], job: Sequence[str]) -> None:
    """Composed quickly, twice, and by Hydra: the same config, or the same error."""
    hydra = Hydra.create_main_hydra2("app", create_config_search_path(str(folder)))
    config = hydra.compose_config(
        "config", arguments, run_mode=RunMode.MULTIRUN, validate_sweep_overrides=False
    )
    composer = Composer(hydra.config_loader, config, fixed)
    expected = outcome(lambda: hydra.config_loader.load_sweep_config(config, [*fixed, *job]))
    for _ in range(2):  # the second does not see what the first has set
        assert outcome(lambda: composer.compose(job)) == expected


def outcome(compose: Callable[[], DictConfig]) -> tuple[str, Any]:
    try:
        config = compose()
    except Exception as error:  # noqa: BLE001 - whatever Hydra says
        return str(error), type(error)
    return OmegaConf.to_yaml(config), config._metadata.flags


@pytest.mark.parametrize(
    "job",
    [
        ["x=1"],
        ["x=2.5", "offset=1"],
        ["x='a,b'"],
        ["x={a: 1}"],
        ["x=null"],
        ["+q=1"],
        ["~offset"],
        ["hydra.job.name=other"],
        ["nope=1"],
    ],
)
def test_values_of_a_plain_app(job) -> None:
    assert_same(PARABOLA.parent / "conf", ["hydra.sweeper.seed=3"], ["y=2", "+z=3"], job)


@pytest.mark.parametrize(
    "job",
    [
        ["trainer.learning_rate=0.1"],
        ["trainer.batch_size=16", "trainer.learning_rate=1e-5"],
        ["trainer={learning_rate: 0.5}"],
        ["model=distilbert", "trainer.learning_rate=1e-5"],
        ["model.name=other"],
        ["data=squad", "trainer.epochs=1"],
        ["experiment=squad", "trainer.learning_rate=3e-5"],
        ["model=nope"],
        ["trainer.learning_rate=abc"],
        ["trainer.learning_rat=1"],
    ],
)
def test_groups_and_typed_settings(job) -> None:
    cli.register_schema()
    assert_same(ROOT / "conf", ["model=tiny,distilbert"], ["trainer.epochs=2"], job)
