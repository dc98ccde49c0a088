"""What the docs promise to somebody with data and questions of their own."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from ask_helpers import model_folder, passages
from conftest import ROOT
from docs_helpers import DOCS
from safetensors.torch import load_file
from test_local_data import write_json, write_json_lines

from qa_sweep.config import LocalData, PretrainedModel
from qa_sweep.config.data import OnBadRow
from qa_sweep.data import load_examples
from qa_sweep.data.command import main as data_main
from qa_sweep.errors import ModelError
from qa_sweep.model import load_reader, make_reader
from qa_sweep.report.command import main as report_main

__all__ = ["model_folder", "passages"]  # fixtures

PAGE = (DOCS / "own-data.md").read_text()
CONTEXT = "The Alder Library opened in 1911. It lends maps, and old maps."
ONCE = {"id": "1", "question": "When?", "context": CONTEXT, "answer_text": "1911"}
TWICE = {"id": "2", "question": "What?", "context": CONTEXT, "answer_text": "maps"}
OTHER = {**ONCE, "id": 3, "question": "In which year?"}
ROWS = [ONCE, TWICE, OTHER]


def as_csv(path: Path) -> Path:
    lines = [",".join(ONCE), *(",".join(f'"{value}"' for value in row.values()) for row in ROWS)]
    path.write_text("\n".join(lines))
    return path


def as_lists(path: Path) -> Path:
    rows = [{**row, "answers": {"text": [row["answer_text"]]}} for row in ROWS]
    return write_json_lines(path, rows)


def as_squad(path: Path) -> Path:
    qas = [{**row, "answers": [{"text": row["answer_text"]}]} for row in ROWS]
    return write_json(path, {"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]})


FORMATS = {
    "rows.jsonl": lambda path: write_json_lines(path, ROWS),
    "lists.jsonl": as_lists,
    "rows.csv": as_csv,
    "squad.json": as_squad,
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_without_its_place_is_found_where_it_stands_once(name, tmp_path) -> None:
    path = FORMATS[name](tmp_path / name)
    splits = load_examples(LocalData(path=str(path), on_bad_row=OnBadRow.repair, holdout=0.5))
    found = {example.id: example.references[0] for example in [*splits.train, *splits.eval]}
    assert set(found) == {"1", "3"}
    assert {reference.start for reference in found.values()} == {CONTEXT.index("1911")}


def test_settings_of_data_may_stand_behind_an_option(tmp_path, capfd) -> None:
    path = write_json_lines(tmp_path / "x.jsonl", [{**ONCE, "answer_start": 28}, TWICE, OTHER])
    words = [str(path), "data.on_bad_row=repair", "--max-length", "256", "--json"]
    assert data_main([*words, "data.holdout=0.5"]) == 0
    shown = json.loads(capfd.readouterr().out)
    assert [shown["splits"][name]["n_questions"] for name in ("train", "eval")] == [1, 1]


def test_names_of_studies_may_stand_behind_an_option(tmp_path, capfd) -> None:
    assert report_main(["one", "--results", str(tmp_path), "two"]) == 1
    assert "holds no studies" in capfd.readouterr().err


def test_a_model_that_a_run_has_left_is_trained_further_with_what_it_knows(model_folder) -> None:
    left = load_reader(str(model_folder))
    again = PretrainedModel(name="again", path=str(model_folder))
    begun = make_reader(again, left.tokenizer, 128, seed=7)
    for name, weights in left.model.state_dict().items():
        assert torch.equal(begun.model.state_dict()[name], weights), name


def test_a_model_without_safetensors_is_taken_once_it_is_converted(
    model_folder, tmp_path, monkeypatch
) -> None:
    (code,) = re.findall(r"^```\n(from transformers .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    pickled = tmp_path / "pickled"
    shutil.copytree(model_folder, pickled, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.save(load_file(model_folder / "model.safetensors"), pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"as safetensors, but has pytorch_model\.bin"):
        load_reader(str(pickled))
    monkeypatch.chdir(tmp_path)
    exec(code.replace("microsoft/deberta-v3-base", str(pickled)))
    config = PretrainedModel(name="x", path="deberta")
    converted = make_reader(config, load_reader(str(model_folder)).tokenizer, 128, seed=7)
    known = load_file(model_folder / "model.safetensors")
    body = {name: weights for name, weights in known.items() if "qa_outputs" not in name}
    assert body
    for name, weights in body.items():
        assert torch.equal(converted.model.state_dict()[name], weights), name


SIZES = re.findall(r"^\| `(\w+)` \| (\d+) M \|.*\| (\S+) GB \| (\S+) GB \|$", PAGE, re.MULTILINE)


def test_the_table_of_models_has_each_that_can_be_named() -> None:
    named = re.findall(r"^\| `(\w+)` \| \d+ (?:M|thousand) \|", PAGE, re.MULTILINE)
    options = {path.stem for path in (ROOT / "conf" / "model").glob("*.yaml")}
    assert set(named) == options - {"pretrained"}


@pytest.mark.parametrize(("model", "n_millions", "finished", "at_work"), SIZES)
def test_a_models_room_is_that_of_its_weights_and_of_four_checkpoints(
    model, n_millions, finished, at_work
) -> None:
    said = (ROOT / "conf" / "model" / f"{model}.yaml").read_text()
    assert f"# {n_millions} M parameters" in said
    n_bytes = int(n_millions) * 1e6 * 4  # a weight; in a checkpoint, AdamW's two moments as well
    assert float(finished) == pytest.approx(n_bytes / 1e9, abs=0.006)
    assert float(at_work) == pytest.approx(4 * 3 * n_bytes / 1e9, abs=0.06)
