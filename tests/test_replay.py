"""Replay: a run of the record is the run again, and what differs is seen and named."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow.parquet
import pytest
from champion_helpers import CONFIG, STUDY, studies, studies_folder  # noqa: F401
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_sweep.config import (
    HubData,
    PretrainedModel,
    QuestionConfig,
    QuestionsConfig,
    RunConfig,
    TrainerConfig,
)
from qa_sweep.config.data import Columns, HoldoutBy, LocalData
from qa_sweep.config.plain import kinds_of, read_run_config
from qa_sweep.data.fingerprint import fingerprint
from qa_sweep.errors import ConfigError
from qa_sweep.qa.example import Example, Reference
from qa_sweep.replay import main
from qa_sweep.replay.comparison import Comparison
from qa_sweep.replay.finding import free_folder
from qa_sweep.replay.repeating import plan
from qa_sweep.run_record import RunRecord
from qa_sweep.tracked_params import plain

OF_HUB = RunConfig(
    model=PretrainedModel(name="bert", path="some/model"),
    data=HubData(
        name="set",
        path="some/set",
        holdout_by=HoldoutBy.context,
        columns=Columns(id="key"),
        limit_train=7,
    ),
    questions=QuestionsConfig(items=[QuestionConfig("Who?", "Ada.", None)]),
)
OF_FILE = replace(OF_HUB, data=LocalData(path="x.json"), trainer=TrainerConfig(n_threads=2))


def copy_of_run(folder: Path, **changes: object) -> Path:
    """A run's folder in which the record says something else; None removes what it says."""
    copy = folder / "copy"
    shutil.copytree(Path("results") / STUDY / "0", copy)
    result = {**json.loads((copy / "result.json").read_text()), **changes}
    result = {name: value for name, value in result.items() if value is not None}
    (copy / "result.json").write_text(json.dumps(result))
    return copy


def test_a_run_on_the_cpu_repeats_bit_by_bit(studies, capsys) -> None:  # noqa: F811
    assert main(["1"]) == 0
    output = capsys.readouterr().out
    assert "the same numbers" in output
    assert "24 of 24 the same; scores of candidates differ by 0 at most" in output
    (copy,) = (studies / "results" / "replays").iterdir()
    tables = [
        pyarrow.parquet.read_table(folder / "predictions.parquet")
        for folder in (studies / "results" / STUDY / "1", copy)
    ]
    assert tables[0].equals(tables[1])
    shutil.rmtree(copy.parent)


def test_a_run_with_another_seed_is_told_from_it(studies, capsys) -> None:  # noqa: F811
    result = json.loads((studies / "results" / STUDY / "0" / "result.json").read_text())
    run = copy_of_run(studies, config={**result["config"], "seed": 7}, versions={"torch": "1.0"})
    assert main([str(run), "--to", "again"]) == 1
    output = capsys.readouterr().out
    assert "other numbers" in output
    assert "other versions of torch" in output
    assert "data: the same" in output
    assert json.loads((studies / "again" / "result.json").read_text())["config"]["seed"] == 7


def test_other_data_are_the_first_suspect(studies) -> None:  # noqa: F811
    now = RunRecord.read(studies / "results" / STUDY / "0")
    others = {"train": "0" * 64, "eval": now.fingerprint["eval"]}
    changes = {"data_fingerprint": others, "cpu_capability": "AVX0", "device": "cuda:0"}
    comparison = Comparison(RunRecord.read(copy_of_run(studies, **changes)), now)
    assert list(comparison.suspects()) == [
        "the train examples are others than then",
        "device: cuda:0 then, cpu now",
        f"instructions of the CPU: AVX0 then, {now.result['cpu_capability']} now",
        "a GPU does not add up in the same order each time",
    ]


def test_each_number_counts(studies) -> None:  # noqa: F811
    now = RunRecord.read(studies / "results" / STUDY / "0")
    for changes in ({}, {"metrics": {**now.metrics, "loss": now.metrics["loss"] + 1e-12}}):
        then = RunRecord.read(copy_of_run(studies, **changes))
        assert Comparison(then, now).is_equal == (not changes)
        shutil.rmtree(then.folder)
    other = RunRecord(studies / "results" / STUDY / "1", now.result)
    assert not Comparison(other, now).is_equal, "the answers of another run"


def test_a_record_of_an_earlier_version_is_repeated_too(studies, capsys) -> None:  # noqa: F811
    new = ("kinds", "data_fingerprint", "n_examples", "n_threads", "cpu_capability", "git")
    result = json.loads((studies / "results" / STUDY / "0" / "result.json").read_text())
    config = {**result["config"], "charm": 3}
    run = copy_of_run(studies, **dict.fromkeys(new), config=config)
    (run / "predictions.parquet").unlink()
    assert main([str(run), "--to", "again"]) == 0
    output = capsys.readouterr().out
    assert "data: the record has no fingerprint of them" in output
    assert "not compared" in output
    assert "the same numbers" in output


def test_what_is_no_run_is_one_line_and_leaves_nothing(studies, capsys) -> None:  # noqa: F811
    (studies / "empty").mkdir()
    wrong = copy_of_run(studies, config={"model": {"n_layers": "two"}, "data": {}})
    for words, message in [
        (["nowhere"], "nowhere must be the folder of a finished run, STUDY/N"),
        (["9"], "9 must be the folder of a finished run"),
        (["empty"], "but has no result.json"),
        ([str(wrong)], "model.n_layers must be a whole number, but the record has 'two'"),
        ([f"{STUDY}/0", "--to", str(wrong)], "--to must be a new folder"),
    ]:
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    assert not (studies / "results" / "replays").exists()


def test_a_run_whose_data_are_gone_is_one_line_and_leaves_no_folder(studies, capsys) -> None:  # noqa: F811
    config = plain(asdict(replace(CONFIG, data=LocalData(path="gone.json"))))
    run = copy_of_run(studies, config=config, kinds=None)
    assert main([str(run), "--to", "again"]) == 1
    assert "gone.json" in capsys.readouterr().err
    assert not (studies / "again").exists()


@pytest.mark.parametrize("config", [CONFIG, OF_HUB, OF_FILE])
@pytest.mark.parametrize("says_kinds", [True, False])
def test_settings_are_read_back_from_a_record(config, says_kinds) -> None:
    content = json.loads(json.dumps(plain(asdict(config))))
    assert read_run_config(content, kinds_of(config) if says_kinds else None) == (config, [])


def test_settings_that_are_not_known_are_named() -> None:
    content = plain(asdict(CONFIG))
    content["trainer"]["charm"] = content["model"]["spin"] = 1
    config, unknown = read_run_config(content)
    assert config == CONFIG
    assert sorted(unknown) == ["model.spin", "trainer.charm"]


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        ("trainer", "epochs", "2", "trainer.epochs must be a number, but the record has '2'"),
        ("trainer", "batch_size", 1.5, "trainer.batch_size must be a whole number"),
        ("trainer", "batch_size", True, "trainer.batch_size must be a whole number"),
        ("trainer", "batch_size", 0, "trainer.batch_size must be at least 1"),
        ("trainer", "device", "tpu", "trainer.device must be one of auto, cpu, cuda"),
        ("data", "clean", 1, "data.clean must be true or false"),
        ("data", "name", None, "data.name must be a text, but the record has None"),
        ("questions", "items", [{"question": "Who?"}], "questions.items[0].context must be given"),
    ],
)
def test_a_setting_of_another_type_is_named(section, name, value, message) -> None:
    content = plain(asdict(CONFIG))
    content[section][name] = value
    with pytest.raises(ConfigError) as caught:
        read_run_config(content)
    assert message in str(caught.value)


def test_a_repetition_takes_the_commits_and_threads_of_then() -> None:
    said = {"model_revision": "a" * 40, "data_revision": "b" * 40, "n_threads": 3}
    content = {"metrics": {}, "config": plain(asdict(OF_HUB)), **said}
    config = plan(RunRecord(Path("run"), content), track=False)
    assert (config.model.revision, config.data.revision) == ("a" * 40, "b" * 40)
    assert config.trainer.n_threads == 3
    assert config.questions == QuestionsConfig()
    assert plan(RunRecord(Path("run"), content), track=True).questions == OF_HUB.questions


def test_the_folder_of_a_repetition_is_a_new_one(tmp_path) -> None:
    first = free_folder(Path("results/s/3"), tmp_path, None)
    first.mkdir(parents=True)
    second = free_folder(Path("results/s/3"), tmp_path, None)
    assert (first.name, second.name) == ("s-3-1", "s-3-2")


texts = st.text(max_size=4)
examples = st.builds(
    Example,
    texts,
    texts,
    texts,
    st.lists(st.builds(Reference, texts, st.integers(0, 3)), max_size=2).map(tuple),
    texts,
)


@settings(max_examples=30)
@given(st.lists(examples, max_size=3), st.lists(examples, max_size=3))
def test_only_equal_examples_have_one_fingerprint(some, others) -> None:
    assert (fingerprint(some) == fingerprint(others)) == (some == others)
