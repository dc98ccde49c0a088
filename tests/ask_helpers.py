"""A study with one run whose model can be asked: real, tiny, and not trained."""

import shutil
from pathlib import Path

import pytest
import torch
from doctor_helpers import RESULTS, make_study

from qa_sweep.config import EmbeddedData, TinyModel
from qa_sweep.data import load_examples
from qa_sweep.model import Reader, load_reader
from qa_sweep.qa.decisions import Decision
from qa_sweep.tiny import make_model, make_tokenizer
from qa_sweep.tracking import Outcome

DATA = EmbeddedData(n_train=1, n_eval=60)
RUN = RESULTS / "s" / "0"


@pytest.fixture(scope="session")
def passages() -> list[str]:
    return list(dict.fromkeys(example.context for example in load_examples(DATA).eval))


@pytest.fixture(scope="session")
def model_folder(passages, tmp_path_factory) -> Path:
    """A model as a run leaves it, with the weights that it begins with."""
    torch.set_num_threads(1)  # as the command does for small models
    tokenizer = make_tokenizer(passages, 300, DATA.max_length)
    reader = Reader(make_model(TinyModel(), tokenizer, DATA.max_length, seed=1), tokenizer)
    reader.set_trained_with(DATA.max_length, DATA.doc_stride)
    folder = tmp_path_factory.mktemp("run") / "model"
    reader.save(folder)
    return folder


@pytest.fixture
def reader(model_folder) -> Reader:
    return load_reader(str(model_folder))


@pytest.fixture
def cautious_folder(reader, tmp_path) -> Path:
    """The model of somebody who found that it is best never to answer."""
    reader.set_decision(Decision(30, threshold=-1e6))
    reader.save(tmp_path / "cautious")
    return tmp_path / "cautious"


@pytest.fixture(scope="session")
def study_folder(model_folder, tmp_path_factory) -> Path:
    """A folder with results and an Aim repo, to be copied."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_study(Outcome.complete)
        shutil.copytree(model_folder, RUN / "model")
    return folder


@pytest.fixture
def in_study(study_folder, tmp_path, monkeypatch) -> Path:
    """The folder of a study of one's own, which is the working directory."""
    folder = tmp_path / "study"
    shutil.copytree(study_folder, folder)
    monkeypatch.chdir(folder)
    return folder
