"""Studies of real runs, made in this process: one on embedded data, one on a file of somebody's."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial

from qa_sweep import job
from qa_sweep.config import (
    Device,
    EmbeddedData,
    LocalData,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.trial import TrialHandle

RESULTS = Path("results")
STUDY, LOCAL_STUDY = "small", "with <b>markup</b> *here*"
BATCH_SIZE = "trainer.batch_size"
CONFIG = RunConfig(
    model=TinyModel(vocabulary_size=300),
    data=EmbeddedData(n_train=96, n_eval=24),
    trainer=TrainerConfig(epochs=1, logging_steps=4, device=Device.cpu),
    tracking=TrackingConfig(tracker=Tracker.off),
)
SECRET_FOLDER = "home/ada.lovelace"


def make_study(name: str, *configs: RunConfig) -> None:
    """A study with a complete trial for each of the settings, which differ in their batch size."""
    storage = open_storage(default_storage_url(RESULTS))
    study = open_study(storage, name, Identity.of(Space(()), (Objective("f1", "maximize"),), {}))
    sizes = CategoricalDistribution((16, 32))
    for number, config in enumerate(configs):
        metrics = job.run(config, RESULTS / name / str(number), TrialHandle())
        study.add_trial(
            create_trial(
                params={BATCH_SIZE: config.trainer.batch_size},
                distributions={BATCH_SIZE: sizes},
                value=metrics["f1"],
                user_attrs=metrics,
            )
        )


def write_rows(path: Path) -> None:
    """Questions of which every third has no answer in its context."""
    path.parent.mkdir(parents=True)
    rows = []
    for i in range(60):
        answers = {"text": ["Ada"], "answer_start": [0]} if i % 3 else {}
        answers = answers or {"text": [], "answer_start": []}
        context = f"{'Ada' if i % 3 else 'Nobody'} wrote part {i} of it in the year {1800 + i}."
        question = "Who wrote it?" if i % 3 else "Who painted the ceiling?"
        rows.append({"id": str(i), "question": question, "context": context, "answers": answers})
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture(scope="session")
def studies_folder(tmp_path_factory) -> Path:
    """The folder in which both studies were made; it stays as it is."""
    return make_studies(tmp_path_factory.getbasetemp() / "studies")


@cache  # a fixture that several modules import is set up for each of them
def make_studies(folder: Path) -> Path:
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        larger = replace(CONFIG, trainer=replace(CONFIG.trainer, batch_size=32))
        rows = folder / SECRET_FOLDER / "rows.jsonl"
        write_rows(rows)
        data = LocalData(name="a [link](x)", path=str(rows), max_length=48, doc_stride=8)
        make_study(LOCAL_STUDY, replace(CONFIG, data=data))
        make_study(STUDY, CONFIG, larger)
    return folder


@pytest.fixture
def studies(studies_folder, tmp_path, monkeypatch) -> Path:
    """Its results, from a working directory of one's own, which is given."""
    (tmp_path / "results").symlink_to(studies_folder / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path
