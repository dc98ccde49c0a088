"""Config: everything that is shipped composes, and what is wrong is said in one line."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from qa_sweep import cli
from qa_sweep.complaints import explain, nearest, setting_names
from qa_sweep.config import Padding, RunConfig
from qa_sweep.sweep.space import read_space

CONF = ROOT / "conf"
GROUPS = ("model", "data", "trainer", "tracking", "questions", "sweeps")
OPTIONS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
MANDATORY = {"model=pretrained": "model.path=x", "data=local": "data.path=x"}


def composed(*overrides: str, with_hydra: bool = False) -> DictConfig:
    cli.register_schema()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides), return_hydra_config=with_hydra)


def test_there_are_options_in_each_group() -> None:
    assert {group for group, _ in OPTIONS} == set(GROUPS)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_each_option_composes_to_a_valid_run(group, option) -> None:
    choice = f"{group}={option}"
    given = [MANDATORY[choice]] if choice in MANDATORY else []
    run_config = cli.to_run_config(composed(choice, *given))
    assert isinstance(run_config, RunConfig)


@pytest.mark.parametrize("sweep", sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml")))
def test_each_sweep_file_spans_a_space_of_known_settings(sweep) -> None:
    config = composed(f"sweeps={sweep}", with_hydra=True)
    HydraConfig.instance().set_config(config)
    params = config.hydra.sweeper.params
    assert set(params) <= set(setting_names())
    from hydra.core.override_parser.overrides_parser import OverridesParser

    overrides = [f"{name}={sweep}" for name, sweep in params.items()]
    space = read_space(OverridesParser.create().parse_overrides(overrides))
    assert set(space.distributions) == set(params)


def test_the_squad_experiment_is_the_tutorial_and_needs_no_hub() -> None:
    config = cli.to_run_config(composed("experiment=squad"))
    assert config.model.path == "distilbert/distilbert-base-uncased"
    assert (config.data.path, config.data.eval_split, config.data.holdout) == (
        "rajpurkar/squad", None, 0.2,
    )  # fmt: skip
    assert (config.data.max_length, config.trainer.padding) == (384, Padding.max_length)
    assert (config.trainer.epochs, config.trainer.weight_decay) == (5, 0.01)
    assert config.evaluation.batch_size == 16
    assert len(config.questions.items) == 5


def test_a_pretrained_model_brings_a_low_learning_rate_unless_told_otherwise() -> None:
    assert composed("model=distilbert").trainer.learning_rate == 5e-5
    assert composed("model=distilbert", "trainer=scratch").trainer.learning_rate == 4e-3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.learning_rate=abc", "trainer.learning_rate: .*abc"),
        ("trainer.learning_rate=2", "trainer.learning_rate must be above 0 and at most 1, .* 2"),
        ("trainer.lr=1", "trainer.lr is no setting; did you mean trainer.learning_rate$"),
        ("data.n_trane=1", "data.n_trane is no setting; did you mean data.n_train"),
        ("trainer.batch_size=0", "trainer.batch_size must be at least 1, but got 0"),
        (
            "trainer.device_batch_size=5",
            r"trainer.device_batch_size must divide trainer.batch_size \(16\), but got 5; pass",
        ),
        ("trainer.device_batch_size=0", "trainer.device_batch_size must be at least 1, but got 0"),
        ("trainer.smallest_device_batch=0", "smallest_device_batch must be at least 1, but got 0"),
        ("trainer.precision=fp8", "trainer.precision: .*fp8.*fp32, bf16"),
        ("trainer.epochs=-1", "trainer.epochs must be above 0"),
        ("data.doc_stride=100", "data.doc_stride must lie between 0 and half of data.max_length"),
        ("data.min_people=9", "data.max_people must be at least min_people"),
        ("model.hidden_size=30", "model.hidden_size must be a multiple of"),
        ("model=nope", "model must be one of bert_base, .*tiny, but got 'nope'"),
        ("experiment=nope", "experiment must be one of squad, but got 'nope'"),
        ("data=local", "data.path must be given; pass data.path="),
        ("seed=-1", "seed must lie between"),
        ("tracking.tracker=mlflow", "tracking.tracker: .*mlflow"),
        ("trainer..x=1", "trainer..x=1"),
    ],
)
def test_a_bad_setting_is_explained_in_one_line(override, message) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Hydra raises
        cli.to_run_config(composed(override))
    explanation = explain(caught.value)
    assert "\n" not in explanation
    assert re.search(message, explanation), explanation


def test_nearest_names_know_abbreviations_and_slips() -> None:
    assert nearest("trainer.bs", setting_names()) == ["trainer.batch_size", "evaluation.batch_size"]
    assert nearest("trainer.epoch", setting_names())[0] == "trainer.epochs"


def test_the_config_stays_under_the_users_control() -> None:
    config = composed("seed=7", "trainer.batch_size=3", "tracking.repo=/elsewhere")
    run_config = OmegaConf.to_object(config)
    assert (run_config.seed, run_config.trainer.batch_size) == (7, 3)
    assert Path(run_config.tracking.repo) == Path("/elsewhere")
