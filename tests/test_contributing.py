"""CONTRIBUTING's steps, taken on a copy of the sources: each does what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment
from docs_helpers import blocks

PAGE = ROOT / "CONTRIBUTING.md"
MODEL, DATA = blocks(PAGE, "yaml")
READER, READER_NAMED, SAMPLER, PRUNER = blocks(PAGE, "python")
APP_COMMANDS = re.findall(r"^python (tests/parabola_app/\S+ .*)$", PAGE.read_text(), re.MULTILINE)
YAML_ROW = """
- id: 1
  question: When did it open?
  context: It opened in 1911.
  answer_text: "1911"
  answer_start: 13
"""


def insert(file: Path, after: str, text: str) -> None:
    """Put `text` behind the line that matches `after`, of which there must be one."""
    changed, count = re.subn(
        rf"^({after}.*\n)", lambda line: line[1] + text, file.read_text(), flags=re.M
    )
    assert count == 1, (file, after)
    file.write_text(changed)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """A copy of the sources with all that the page has people add."""
    folder = tmp_path_factory.mktemp("sources")
    passing = shutil.ignore_patterns("__pycache__")  # other tests write there meanwhile
    for name in ("qa_sweep", "hydra_plugins", "conf", "sweeps"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=passing)
    (folder / "conf/model/bert_large.yaml").write_text(MODEL)
    (folder / "conf/data/newsqa.yaml").write_text(DATA)
    package = folder / "qa_sweep"
    (package / "data/yaml_rows.py").write_text(READER)
    insert(package / "data/local.py", "_READERS: ", READER_NAMED)
    named = "from qa_sweep.data.yaml_rows import read_yaml\n"
    insert(package / "data/local.py", "from qa_sweep.data.rows import", named)
    files = package / "data/files.py"
    files.write_text(
        files.read_text().replace('SUFFIXES = (".json"', 'SUFFIXES = (".yaml", ".json"')
    )
    insert(package / "sweep/samplers.py", "_SAMPLERS: ", SAMPLER)
    insert(package / "sweep/pruners.py", "_PRUNERS: ", PRUNER)
    return folder


def changed(sources: Path, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python on the changed sources."""
    path = os.pathsep.join(map(str, (sources, ROOT)))
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**environment(), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_and_a_data_set_compose_by_their_names(sources, tmp_path) -> None:
    words = ["-m", "qa_sweep", "model=bert_large", "data=newsqa", "--cfg", "job"]
    shown = changed(sources, words, tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "path: google-bert/bert-large-uncased" in shown.stdout
    assert "path: some-owner/newsqa" in shown.stdout
    assert "learning_rate: 5.0e-05" in shown.stdout


def test_a_file_format_is_read_and_its_faults_are_named(sources, tmp_path) -> None:
    (tmp_path / "questions.yaml").write_text(YAML_ROW + YAML_ROW.replace("id: 1", "id: 2"))
    words = ["-m", "qa_sweep.data", "questions.yaml"]
    read = changed(sources, words, tmp_path)
    assert read.returncode == 0, read.stderr
    assert "questions.yaml: 2 rows" in read.stdout
    (tmp_path / "questions.yaml").write_text(YAML_ROW.replace("13", "12"))
    refused = changed(sources, words, tmp_path)
    assert refused.returncode == 1
    assert "questions.yaml, row 1" in refused.stdout + refused.stderr
    (tmp_path / "questions.yaml").write_text("- [")
    refused = changed(sources, words, tmp_path)
    assert refused.returncode == 1
    assert "must be YAML" in refused.stdout + refused.stderr


@pytest.mark.parametrize("command", [each for each in APP_COMMANDS if "launcher" not in each])
def test_a_sampler_and_a_pruner_work_in_the_app(command, sources, tmp_path) -> None:
    words = shlex.split(command)
    done = changed(sources, [str(ROOT / words[0]), *words[1:]], tmp_path)
    assert done.returncode == 0, done.stderr
    expected = "pruned" if "threshold" in command else "complete"
    assert done.stdout.count(expected) > 1
