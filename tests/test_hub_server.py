"""The hub for real: models and data are loaded over HTTP, and each failure has its one line."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from conftest import ROOT
from hub_server import Hub, Repo, serve

from qa_sweep import tiny
from qa_sweep.config import TinyModel
from qa_sweep.model import Reader

# Loads one thing after the other in one process, since the imports take seconds.
LOADER = """
import json, sys
from qa_sweep.config import HubData
from qa_sweep.config.data import Columns, OnBadRow
from qa_sweep.data.readings import keep
from qa_sweep.data.sources import open_sources
from qa_sweep.errors import QaSweepError

def load(kind, path, revision="main", **settings):
    if kind == "model":
        from qa_sweep.model import load_reader
        return load_reader(path, revision).n_parameters
    if "columns" in settings:
        settings["columns"] = Columns(**settings["columns"])
    settings["on_bad_row"] = OnBadRow[settings.get("on_bad_row", "fail")]
    config = HubData(name=path, path=path, revision=revision, **settings)
    sources = open_sources(config)
    return {
        split: [example.id for example in keep(source, config.on_bad_row)]
        for split, source in sources.items()
    }

for line in sys.stdin:
    words, settings = json.loads(line)
    try:
        answer = {"found": load(*words, **settings)}
    except QaSweepError as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("answer", json.dumps(answer), flush=True)
"""


N_CHUNK = 10 * 2**20  # bytes in which the client counts what it has
N_TRIES = 6  # of the client, for a file that is cut each time


def rows(first: int, last: int) -> list[dict]:
    return [
        {
            "id": str(i),
            "title": "Ada",
            "context": f"Ada wrote part {i} of it.",
            "question": "Who wrote it?",
            "answers": {"text": ["Ada"], "answer_start": [0]},
        }
        for i in range(first, last)
    ]


def parquet(content: list[dict]) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content), file)
    return file.getvalue()


def data_set(train: list[dict], validation: list[dict]) -> dict[str, bytes]:
    splits = {"train": train, "validation": validation}
    files = {
        f"data/{name}-00000-of-00001.parquet": parquet(content)
        for name, content in splits.items()
        if content
    }
    return {"README.md": b"# A data set\n", **files}


def model_files(folder: Path, **shape: int) -> dict[str, bytes]:
    """The files of a tiny model with its tokenizer."""
    tokenizer = tiny.make_tokenizer([row["context"] for row in rows(0, 40)], 100, 64)
    model = tiny.make_model(TinyModel(**shape), tokenizer, 64, 0)
    Reader(model, tokenizer).save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("models")
    small = model_files(folder / "small")
    pickled = {name: content for name, content in small.items() if "safetensors" not in name}
    other_names = [{"key": r["id"], "text": r["context"], "q": r["question"]} for r in rows(0, 5)]
    moved = {**rows(3, 4)[0], "answers": {"text": ["Ada"], "answer_start": [7]}}
    blank = {**rows(4, 5)[0], "question": " "}
    repos = {
        ("models", "some/model"): Repo(
            {"main": small, "large": model_files(folder / "large", feed_forward_size=16000)}
        ),
        ("models", "some/lost"): Repo({"main": small}),
        ("models", "some/pickle"): Repo({"main": {**pickled, "pytorch_model.bin": b"\x80\x04."}}),
        ("models", "some/gated"): Repo({"main": small}, is_gated=True),
        ("datasets", "some/set"): Repo(
            {"main": data_set(rows(0, 30), rows(30, 40)), "old": data_set(rows(0, 7), rows(7, 9))}
        ),
        ("datasets", "some/gated"): Repo({"main": data_set(rows(0, 3), [])}, is_gated=True),
        ("datasets", "some/broken"): Repo({"main": data_set([*rows(0, 3), moved, blank], [])}),
        ("datasets", "some/columns"): Repo(
            {"main": data_set([{**r, "span": "Ada", "at": 0} for r in other_names], [])}
        ),
    }
    cuts = {
        "some/model/model.safetensors": [N_CHUNK + 1000],
        "some/set/data/train-00000-of-00001.parquet": [500],
        "some/lost/model.safetensors": [100] * N_TRIES,
    }
    with serve(Hub(repos, cuts=cuts)) as hub:
        yield hub


def environment(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return {**kept, **settings, "HF_HUB_DISABLE_TELEMETRY": "1", **more}


def load(hub: Hub, home: Path, *calls: Sequence, **more: str) -> list[Any]:
    """What a process of its own loads, or the errors, one by one; no traceback in either case."""
    prepared = [call if isinstance(call[-1], dict) else (*call, {}) for call in calls]
    lines = [json.dumps([call[:-1], call[-1]]) for call in prepared]
    loader = subprocess.run(
        [sys.executable, "-c", LOADER],
        input="\n".join(lines),
        env=environment(hub, home, **more),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in loader.stderr, loader.stderr
    answers = [line for line in loader.stdout.splitlines() if line.startswith("answer ")]
    found = [json.loads(line.removeprefix("answer ")) for line in answers]
    assert len(found) == len(calls), loader.stderr
    return [answer.get("found", answer.get("error")) for answer in found]


NAMES = {
    "id": "key",
    "question": "q",
    "context": "text",
    "answer_text": "span",
    "answer_start": "at",
}

ASKED = {
    "large model, cut once": ("model", "some/model", "large"),
    "small model": ("model", "some/model"),
    "old data, cut once": ("data", "some/set", "old"),
    "data": ("data", "some/set"),
    "other names": (
        "data",
        "some/columns",
        {"eval_split": None, "columns": {**NAMES, "id": "key"}},
    ),
    "repaired": ("data", "some/broken", {"eval_split": None, "on_bad_row": "repair"}),
    "model, always cut": ("model", "some/lost"),
    "model, cut no more": ("model", "some/lost"),
}

REFUSED = [
    (
        ("data", "no/set"),
        "data set 'no/set' must be a folder or a data set of the hub that is",
    ),
    (("data", "some/set", "v9"), "'some/set' must have the revision 'v9', which the hub does not"),
    (("data", "some/gated"), "data set 'some/gated' must be open to you, but is gated"),
    (("data", "not a name"), "data set 'not a name' must be a folder or a data set of the hub"),
    (
        ("data", "some/columns", {"eval_split": None}),
        "but id, context, question, answers is missing",
    ),
    (("data", "some/set", {"eval_split": "dev"}), "must have the split 'dev', but has train, val"),
    (("data", "some/broken", {"eval_split": None}), "some/broken, train, row 4: answer 'Ada' must"),
    (
        ("model", "no/model"),
        "model 'no/model' must be a folder or a model of the hub that is open",
    ),
    (("model", "some/model", "v9"), "'some/model' must have the revision 'v9', which the hub does"),
    (("model", "some/gated"), "model 'some/gated' must be open to you, but is gated"),
    (
        ("model", "some/pickle"),
        "with its weights as safetensors, but has pytorch_model.bin;",
    ),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def answers(hub, home) -> dict[str, object]:
    """What loading gives, or its error: all in one process, which fills the cache."""
    calls = {**ASKED, **{str(call): call for call, _ in REFUSED}}
    return dict(zip(calls, load(hub, home, *calls.values()), strict=True))


def sizes(found: dict[str, list]) -> list[int]:
    return [len(found["train"]), len(found["eval"])]


def test_models_and_data_are_loaded_by_name_and_revision(answers):
    assert sizes(answers["data"]) == [30, 10]
    assert sizes(answers["old data, cut once"]) == [7, 2]
    assert answers["large model, cut once"] > 10 * answers["small model"]
    assert answers["other names"] == {"train": ["0", "1", "2", "3", "4"]}
    assert answers["repaired"] == {"train": ["0", "1", "2", "3"]}


def test_a_download_that_is_cut_goes_on_from_there(hub, answers):
    assert answers["large model, cut once"] > 3_000_000
    first, second = hub.asked_for("some/model/resolve")[1:3]  # after its config.json
    assert (first, second) == ("", f"bytes={N_CHUNK}-")


def test_a_download_that_stays_cut_is_one_line_and_leaves_no_half_file(answers):
    assert answers["model, always cut"] == (
        "ModelError: model 'some/lost' must be downloaded whole, but the connection was lost; "
        "check the network, and give the same command again"
    )
    assert answers["model, cut no more"] == answers["small model"]


def test_each_refusal_is_one_line_that_says_what_to_do(hub, answers):
    for call, message in REFUSED:
        answer = answers[str(call)]
        assert message in answer
        assert "\n" not in answer
        assert answer.startswith("DataError: " if call[0] == "data" else "ModelError: ")
    assert hub.asked_for("pytorch_model.bin") == []


def test_what_was_loaded_once_needs_no_network(hub, home, answers):
    n_requests = len(hub.requests)
    calls = [
        ("model", "some/model"),
        ("data", "some/set", "old"),
        ("data", "some/set"),
        ("data", "some/set", "v9"),
        ("data", "no/set"),
    ]
    model, old, data, other, unknown = load(hub, home, *calls, HF_HUB_OFFLINE="1")
    assert (model, sizes(old), sizes(data)) == (answers["small model"], [7, 2], [30, 10])
    assert "must have the revision 'v9', which the local cache does not have" in other
    assert "must be in the local cache or be reachable, but neither is" in unknown
    assert len(hub.requests) == n_requests


def test_a_hub_that_is_not_there_stops_nothing_that_is_in_the_cache(hub, home, answers):
    """Asked for each file anew, with its retries, it would take minutes."""
    calls = [("model", "some/model"), ("data", "some/set", "old"), ("model", "no/model")]
    model, old, unknown = load(hub, home, *calls, HF_ENDPOINT="http://127.0.0.1:9")
    assert (model, sizes(old)) == (answers["small model"], [7, 2])
    assert "must be in the local cache or be reachable, but neither is" in unknown


def qa_sweep(hub: Hub, folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment(hub, folder / "home"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_run_takes_its_model_and_data_from_the_hub(hub, tmp_path):
    done = qa_sweep(
        hub,
        tmp_path,
        *("qa_sweep", "model=pretrained", "model.path=some/model", "data=squad", "tracking=off"),
        *("data.path=some/set", "data.revision=old", "data.max_length=64", "data.doc_stride=8"),
        *("trainer.epochs=1", "questions=none"),
    )
    assert done.returncode == 0, done.stderr
    assert "exact_match" in done.stdout


def test_a_run_on_what_is_not_there_is_one_line_and_leaves_nothing(hub, tmp_path):
    done = qa_sweep(hub, tmp_path, "qa_sweep", "data=squad", "data.path=no/set", "tracking=off")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "qa_sweep: data set 'no/set' must be a folder or"
    )
    assert "Traceback" not in done.stderr


def test_the_data_report_takes_a_name_of_the_hub(hub, tmp_path):
    shown = qa_sweep(hub, tmp_path, "qa_sweep.data", "some/set", "--model", "some/model")
    assert shown.returncode == 0, shown.stderr
    assert "some/set: 40 rows" in shown.stdout
    assert "length in tokens" in shown.stdout
