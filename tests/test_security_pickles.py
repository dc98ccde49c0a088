"""Checkpoints and models of others: a pickle among their files is not run, wherever it lies.

The pickles are real: the tests read each where nothing guards it, and see that it runs.
"""

import json
import pickle
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from security_helpers import MARK, hostile_pickle, write_hostile
from training_helpers import MODEL, make_trainer
from transformers import AutoModelForQuestionAnswering, BertConfig

from qa_sweep.checkpoints import SEAL_FILE, last_whole_checkpoint, seal
from qa_sweep.config import EmbeddedData, PretrainedModel
from qa_sweep.data import load_examples
from qa_sweep.errors import ModelError
from qa_sweep.model import Reader, load_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.training import ReaderTrainer, train

DATA = EmbeddedData(n_train=32, n_eval=8)
STATES = ["rng_state.pth", "optimizer.pt", "scheduler.pt", "training_args.bin"]
CONFIG = BertConfig(
    vocab_size=700, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=16,
)  # fmt: skip


@pytest.fixture
def mark(tmp_path) -> Path:
    return tmp_path / MARK


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_hostile_file_runs_its_code_where_nothing_guards_it(tmp_path, mark, is_archive) -> None:
    write_hostile(tmp_path / "x.pt", mark, is_archive=is_archive)
    with suppress(RuntimeError):  # it is no checkpoint
        torch.load(tmp_path / "x.pt", weights_only=False)
    assert mark.exists()


def trainer_in(folder: Path, epochs: int) -> ReaderTrainer:
    return make_trainer(folder, DATA, epochs=epochs, batch_size=16)


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(trainer_in(folder, epochs=1))
    return folder


@pytest.fixture
def checkpoint(trained_folder, tmp_path) -> Path:
    """The checkpoint of a training that is to go on, in a folder of one's own."""
    shutil.copytree(trained_folder, tmp_path / "trained")
    found = last_whole_checkpoint(tmp_path / "trained" / "checkpoints")
    assert found is not None
    return found


def seal_anew(checkpoint: Path) -> None:
    """As somebody does who has changed a checkpoint on purpose."""
    best_step = json.loads((checkpoint / SEAL_FILE).read_text())["best_step"]
    (checkpoint / SEAL_FILE).unlink()
    seal(checkpoint, best_step)


def test_a_training_goes_on_from_a_checkpoint_that_is_sealed_anew(checkpoint) -> None:
    seal_anew(checkpoint)
    trainer = trainer_in(checkpoint.parent.parent, epochs=2)
    train(trainer)
    assert trainer.state.log_history[0]["epoch"] == 1.0  # it was not begun anew


@pytest.mark.parametrize(
    ("name", "is_archive"),
    [*((name, True) for name in (*STATES, "pytorch_model.bin")), ("optimizer.pt", False)],
)
def test_no_file_of_a_checkpoint_runs_code_when_a_training_goes_on(
    checkpoint, mark, name, is_archive
) -> None:
    if name == "pytorch_model.bin":
        (checkpoint / "model.safetensors").unlink()
    write_hostile(checkpoint / name, mark, is_archive=is_archive)
    seal_anew(checkpoint)
    with suppress(pickle.UnpicklingError, ModelError):  # which end the run, as they should
        train(trainer_in(checkpoint.parent.parent, epochs=2))
    assert not mark.exists()


@pytest.fixture(scope="module")
def small_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "small"
    tokenizer = prepare_splits(MODEL, DATA, load_examples(DATA)).tokenizer
    Reader(AutoModelForQuestionAnswering.from_config(CONFIG), tokenizer).save(folder)
    return folder


@pytest.fixture
def model(small_model, tmp_path) -> Path:
    shutil.copytree(small_model, tmp_path / "small")
    return tmp_path / "small"


def configure(model: Path, **settings: object) -> None:
    path = model / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def write_index(model: Path, shard: str) -> None:
    names = AutoModelForQuestionAnswering.from_config(CONFIG).state_dict()
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, shard)}
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def test_a_model_with_pickles_beside_its_safetensors_loads_and_runs_none(model, mark) -> None:
    for name in ("pytorch_model.bin", "adapter_model.bin", "tokenizer.pkl", *STATES):
        write_hostile(model / name, mark, is_archive=True)
    load_reader(str(model))
    assert not mark.exists()


def weights_are_a_pickle(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def weights_only_call_themselves_safetensors(model: Path) -> None:
    (model / "model.safetensors").write_bytes(hostile_pickle(model.parent / MARK))


def an_index_names_a_pickle(model: Path) -> None:
    write_index(model, "weights.bin")


def an_index_names_a_pickle_elsewhere(model: Path) -> None:
    write_index(model, "../weights.bin")


def the_config_names_a_pickle(model: Path) -> None:
    configure(model, transformers_weights="weights.bin")


def the_config_names_a_pickle_for_an_adapter(model: Path) -> None:
    configure(model, transformers_weights="adapter_model.bin")


@pytest.mark.parametrize(
    "change",
    [
        weights_are_a_pickle,
        weights_only_call_themselves_safetensors,
        an_index_names_a_pickle,
        an_index_names_a_pickle_elsewhere,
        the_config_names_a_pickle,
        the_config_names_a_pickle_for_an_adapter,
    ],
)
def test_a_model_whose_weights_are_a_pickle_is_refused_and_not_run(model, mark, change) -> None:
    change(model)
    for path in ("pytorch_model.bin", "weights.bin", "../weights.bin", "adapter_model.bin"):
        write_hostile(model / path, mark, is_archive=True)
    with pytest.raises(ModelError):
        load_reader(str(model))
    assert not mark.exists()


CODE = """
import os
os.mkdir({mark!r})
from transformers import BertConfig, BertForQuestionAnswering, BertTokenizer
class Config(BertConfig): model_type = "own"
class Model(BertForQuestionAnswering): config_class = Config
class Tokenizer(BertTokenizer): pass
"""
AUTO_MAP = {"AutoConfig": "own.Config", "AutoModelForQuestionAnswering": "own.Model"}


def bring_code(model: Path, mark: Path, model_type: str, tokenizer_class: str) -> None:
    (model / "own.py").write_text(CODE.format(mark=str(mark)))
    configure(model, auto_map=AUTO_MAP, model_type=model_type)
    path = model / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | {"tokenizer_class": tokenizer_class}
    settings["auto_map"] = {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}
    path.write_text(json.dumps(settings))


def test_code_that_a_model_brings_is_left_alone_where_it_is_not_needed(model, mark) -> None:
    known = json.loads((model / "tokenizer_config.json").read_text())["tokenizer_class"]
    bring_code(model, mark, "bert", known)
    assert type(load_reader(str(model)).model).__module__.startswith("transformers.")
    assert not mark.exists()


def test_a_model_that_needs_its_own_code_is_refused_and_the_code_not_run(model, mark) -> None:
    bring_code(model, mark, "own", "Tokenizer")
    with pytest.raises(ModelError, match="custom code"):
        load_reader(str(model))
    with pytest.raises(ModelError, match="custom code"):
        prepare_splits(PretrainedModel(name="x", path=str(model)), DATA, load_examples(DATA))
    assert not mark.exists()


def test_a_model_brings_code_that_runs_where_it_is_trusted(model, mark, monkeypatch) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(model.parent))
    monkeypatch.syspath_prepend(str(model.parent))
    bring_code(model, mark, "own", "Tokenizer")
    AutoModelForQuestionAnswering.from_pretrained(model, trust_remote_code=True)
    assert mark.exists()
