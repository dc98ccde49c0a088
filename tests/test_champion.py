"""Champion: the best model as a folder that anybody can load, that scores as the run did."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from champion_helpers import (  # noqa: F401
    LOCAL_STUDY,
    SECRET_FOLDER,
    STUDY,
    studies,
    studies_folder,
)
from conftest import ROOT
from hub_server import Hub, Repo, serve
from hub_uploads import Uploads
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from qa_sweep.champion import main
from qa_sweep.champion.checking import check
from qa_sweep.model import load_reader
from qa_sweep.run_record import RunRecord

# Each line of its input is a token, another hub perhaps, and a command; or a name to be loaded.
PUSHER = """
import json, os, sys
from huggingface_hub import constants
from qa_sweep.champion import main
from qa_sweep.model import load_reader

for line in sys.stdin:
    token, *words = json.loads(line)
    os.environ["HF_TOKEN"] = token
    if words[0].startswith("http://"):
        constants.ENDPOINT = words.pop(0)
    found = main(words) if len(words) > 1 else load_reader(*words).n_parameters
    for stream in (sys.stdout, sys.stderr):
        print(f"found {found}" if stream is sys.stdout else "", file=stream)
        print("next", file=stream, flush=True)
"""
NOWHERE = "http://127.0.0.1:9"
WRITER, READER = "hf_aTokenThatMayWrite123", "hf_aTokenThatMayOnlyRead"


def record(study: str, number: int) -> RunRecord:
    return RunRecord.read(Path("results") / study / str(number))


def test_a_bundle_loads_and_scores_as_the_run_did(studies, capsys) -> None:  # noqa: F811
    assert main(["--study", STUDY, "--to", "best"]) == 0
    output = capsys.readouterr().out
    best = max((0, 1), key=lambda number: record(STUDY, number).metrics["f1"])
    assert f"F1 {record(STUDY, best).metrics['f1']:.2f}, as in the run" in output
    assert f"trial {best} of study {STUDY} is in best" in output
    AutoModelForQuestionAnswering.from_pretrained("best")
    AutoTokenizer.from_pretrained("best")
    origin = json.loads(Path("best/champion.json").read_text())
    assert (origin["study"], origin["trial"]) == (STUDY, best)
    assert origin["data_fingerprint"] == record(STUDY, best).fingerprint


def test_a_bundle_takes_the_place_of_an_earlier_one_and_of_nothing_else(studies, capsys) -> None:  # noqa: F811
    words = ["--study", STUDY, "--no-check", "--to", "best", "--trial"]
    assert main([*words, "0"]) == 0
    Path("best/stale").touch()
    assert main([*words, "1"]) == 0
    assert json.loads(Path("best/champion.json").read_text())["trial"] == 1
    assert not Path("best/stale").exists()
    (studies / "mine").mkdir()
    (studies / "mine" / "thesis.txt").touch()
    assert main([*words[:-3], "--to", "mine"]) == 1
    assert "must be a new folder or an earlier bundle" in capsys.readouterr().err
    assert {path.name for path in studies.iterdir()} == {"results", "best", "mine"}


def test_what_cannot_be_bundled_is_one_line_and_leaves_nothing(
    studies,  # noqa: F811
    capsys,
    monkeypatch,
) -> None:
    monkeypatch.setattr("qa_sweep.champion.making._ONNX_PACKAGES", ("json", "no_such_package"))
    for words, message in [
        (["--study", "no"], "study no is not in"),
        (["--study", STUDY, "--trial", "7"], "but got 7; complete are 0, 1"),
        (["--study", STUDY, "--public"], "--public must come with --push NAME"),
        (["--study", STUDY, "--onnx"], "--onnx needs no_such_package, which is not installed"),
        (["--study", STUDY, "--push", "a/b/c"], "--push must be followed by a name as OWNER/MODEL"),
    ]:
        assert main([*words, "--to", "best"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    assert {path.name for path in studies.iterdir()} == {"results"}


def test_a_model_that_scores_otherwise_is_seen(studies, capsys) -> None:  # noqa: F811
    assert main(["--study", STUDY, "--no-check", "--trial", "1", "--to", "other"]) == 0
    found = check(record(STUDY, 0), Path("other"))
    assert found.differs
    assert f"but in the run Exact match {record(STUDY, 0).metrics['exact_match']:.2f}" in (
        found.sentence
    )


def test_questions_that_are_gone_are_said_to_be(studies, tmp_path) -> None:  # noqa: F811
    """Where the answers have no contexts, the data are read again."""
    assert main(["--study", LOCAL_STUDY, "--no-check", "--to", "best"]) == 0
    run = tmp_path / "run"
    run.mkdir()
    known = record(LOCAL_STUDY, 0)
    table = pyarrow.parquet.read_table(known.folder / "predictions.parquet")
    pyarrow.parquet.write_table(table.drop_columns("context"), run / "predictions.parquet")
    assert not check(RunRecord(run, known.result), Path("best")).differs
    assert "as in the run" in check(RunRecord(run, known.result), Path("best")).sentence

    settings = json.loads(json.dumps(known.result))
    settings["config"]["data"]["path"] = "gone.jsonl"
    gone = check(RunRecord(run, settings), Path("best"))
    assert (gone.differs, "it was not evaluated again: gone.jsonl" in gone.sentence) == (0, 1)

    settings = {**known.result, "data_fingerprint": {"train": "", "eval": "0" * 64}}
    assert "are others than when" in check(RunRecord(run, settings), Path("best")).sentence


def test_a_bundle_names_no_folder_of_this_machine(studies) -> None:  # noqa: F811
    assert main(["--study", LOCAL_STUDY, "--no-check", "--to", "best"]) == 0
    for file in Path("best").iterdir():
        assert SECRET_FOLDER.encode() not in file.read_bytes(), file
        assert str(Path.home()).encode() not in file.read_bytes(), file
    assert "rows.jsonl" in Path("best/README.md").read_text()
    load_reader(str(Path("best").absolute())).save(Path("tuned"))
    for file in Path("tuned").iterdir():
        assert str(studies).encode() not in file.read_bytes(), "where a model was loaded from"


@pytest.fixture
def hub() -> Hub:
    public = Repo({"main": {"README.md": b"# Mine\n"}})
    uploads = Uploads(may_write={WRITER: True, READER: False})
    with serve(Hub({("models", "ada/public"): public}, uploads=uploads)) as hub:
        yield hub


def pushed(hub: Hub, *calls: list[str]) -> list[tuple[str, str]]:
    """What each call has on its output and as errors, in one process, as imports take seconds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": "hf", "PYTHONPATH": str(ROOT)}
    without = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PUSHER],
        input="\n".join(map(json.dumps, calls)),
        env={**kept, **settings, **without},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert WRITER not in done.stdout + done.stderr
    outputs, errors = done.stdout.split("next\n"), done.stderr.split("next\n")
    assert len(outputs) == len(errors) == len(calls) + 1
    return list(zip(outputs, errors, strict=True))


def bundle_words(name: str, *more: str) -> list[str]:
    return ["--study", STUDY, "--no-check", "--to", "best", "--push", name, *more]


def test_a_bundle_is_pushed_and_loaded_back_by_its_name(studies, hub) -> None:  # noqa: F811
    said = pushed(
        hub,
        [WRITER, *bundle_words("ada/reader")],
        [WRITER, "ada/reader"],
        [READER, *bundle_words("ada/reader")],
        ["hf_unknown", *bundle_words("ada/reader")],
        [WRITER, *bundle_words("ada/public")],
        [WRITER, *bundle_words("ada/public", "--public")],
        [WRITER, NOWHERE, *bundle_words("ada/reader")],
    )
    outputs, errors = zip(*said[:-1], strict=True)
    assert f"pushed: {hub.url}/ada/reader\nfound 0" in outputs[0]
    assert outputs[1] == f"found {record(STUDY, 0).result['n_parameters']}\n"
    assert [output.split()[-1] for output in outputs] == ["0", outputs[1].split()[1], *"11101"]
    assert "the token must be allowed to write to ada/reader" in errors[2]
    assert "the hub must know who pushes ada/reader, but does not; log in with" in errors[3]
    assert "ada/public must be private to be pushed to, but all can see it" in errors[4]
    assert errors[6].strip().splitlines()[-1] == (
        f"qa_sweep: best is written, but the hub ({NOWHERE}) cannot be reached; check the network "
        f"and HF_ENDPOINT, and give the command again"
    )
    repo = hub.repos["models", "ada/reader"]
    assert repo.is_private
    files = {path.name: path.read_bytes() for path in Path("best").iterdir()}
    assert set(repo.files("main")) == {*files, ".gitattributes"}
    assert repo.files("main")["model.safetensors"] == files["model.safetensors"]
    assert b"ada/reader" in repo.files("main")["README.md"]
    assert set(hub.repos["models", "ada/public"].files("main")) == set(files)
