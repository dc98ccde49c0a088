"""What the docs show runs: the quickstart's commands, on few questions, and each snippet."""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import environment
from docs_helpers import DOCS, PAGES, blocks, commands, name_of

from qa_sweep.sweep import trial

QUICKSTART = DOCS / "quickstart.md"
# Added to the sweeps that are typed there: two trials each, few steps, and no model of the hub.
SMALL = [
    *("data.n_train=64", "data.n_eval=40", "trainer.epochs=1", "trainer.logging_steps=2"),
    *("trainer.batch_size=32", "trainer.learning_rate=0.004,0.0004"),
]
OWN = ["model=tiny", "trainer.epochs=1", "trainer.batch_size=2"]
RUN_ELSEWHERE = {"CONTRIBUTING.md"}  # by tests/test_contributing.py
SNIPPETS = [
    pytest.param(page.name, code, id=f"{name_of(page)}-{number}")
    for page in PAGES
    if page.name not in RUN_ELSEWHERE
    for number, code in enumerate(blocks(page, "python"))
    if "@hydra.main" not in code  # an app, which tests/test_sweeper_docs.py runs
]


# Each line of its input is one of our commands; what that says goes to a file. One process does all
# of them, since torch takes seconds to import.
FOLLOW = """
import importlib, json, sys
from contextlib import redirect_stdout

for number, line in enumerate(sys.stdin):
    module, *words = json.loads(line)
    main = importlib.import_module("qa_sweep.cli" if module == "qa_sweep" else module).main
    with open(f"said-{number}", "w") as file, redirect_stdout(file):
        assert main(words) == 0, line
"""


class Followed(NamedTuple):
    """The folder in which the quickstart was followed, and what each command has said."""

    folder: Path
    said: list[tuple[str, str]]  # (module, output), in the order of the page

    def of(self, module: str) -> list[str]:
        return [output for name, output in self.said if name == module]


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Followed:
    folder = tmp_path_factory.mktemp("quickstart")
    (rows,) = blocks(QUICKSTART, "json")
    (folder / "train.jsonl").write_text(rows)
    typed = [small(words[2:]) for words in commands(QUICKSTART) if words[0] == "python"]
    typed.remove(["qa_sweep.up"])  # it waits for Ctrl-C; tests/test_up.py has it
    finished = subprocess.run(
        [sys.executable, "-c", FOLLOW],
        input="\n".join(map(json.dumps, typed)),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    said = [(folder / f"said-{number}").read_text() for number in range(len(typed))]
    return Followed(folder, [(words[0], text) for words, text in zip(typed, said, strict=True)])


def small(words: list[str]) -> list[str]:
    """A command as it is typed, but for the size of a sweep."""
    if words[0] != "qa_sweep":
        return words
    kept = [word for word in words if word != "model=distilbert"]
    return kept + (OWN if "data=local" in words else SMALL)


def test_the_quickstart_leads_from_nothing_to_an_answer_from_ones_own_text(followed) -> None:
    for output in followed.of("qa_sweep"):
        assert len(re.findall(r"^trial \d.* complete ", output, re.MULTILINE)) == 2
    assert "train.jsonl: 6 rows" in followed.of("qa_sweep.data")[0]
    assert [bool(answer.strip()) for answer in followed.of("qa_sweep.ask")] == [True, True]
    assert (followed.folder / "report.html").stat().st_size > 100_000
    assert (followed.folder / "champion" / "model.safetensors").is_file()


def trainer_parts() -> dict[str, object]:
    """What a script of somebody's has when it makes a Trainer."""
    from transformers import BertConfig, BertForQuestionAnswering, Trainer, TrainingArguments

    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8}
    config = BertConfig(vocab_size=20, intermediate_size=8, **sizes)
    row = {"input_ids": [1, 2, 3], "start_positions": 1, "end_positions": 1}
    return {
        "Trainer": Trainer,
        "model": BertForQuestionAnswering(config),
        "arguments": TrainingArguments(report_to="none", use_cpu=True),
        "rows": [row],
    }


# What stands in no snippet, since each reader has another one.
GIVEN = {
    "asking.md": lambda: {"first_text": "Ada wrote it.", "second_text": "In Rome."},
    "sweeper.md": lambda: {"trial": trial, "step": 1, "n_steps": 9},
    "tracking.md": trainer_parts,
}


@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_each_snippet_runs_where_the_quickstart_was_followed(
    page, code, followed, monkeypatch
) -> None:
    monkeypatch.chdir(followed.folder)
    names = GIVEN.get(page, dict)()
    ends_in = pytest.raises(trial.Infeasible) if "raise trial.Infeasible" in code else None
    with ends_in or contextlib.nullcontext():
        exec(compile(code, page, "exec"), names)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 9
