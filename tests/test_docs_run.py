"""What the docs show runs: the quickstart, what other pages have people type, and each snippet.

Runs and sweeps of other pages take minutes: tests/test_docs_sweeps.py has them.
"""

import contextlib
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from docs_files import write_files
from docs_helpers import PAGES, blocks, name_of
from docs_typed import Told, follow, other_pages, quickstart, trains

from qa_sweep.sweep import trial

RUN_ELSEWHERE = {"CONTRIBUTING.md"}  # by tests/test_contributing.py
SNIPPETS = [
    pytest.param(page.name, code, id=f"{name_of(page)}-{number}")
    for page in PAGES
    if page.name not in RUN_ELSEWHERE
    for number, code in enumerate(blocks(page, "python"))
    if "@hydra.main" not in code  # an app, which tests/test_sweeper_docs.py runs
]
# What is said of the quickstart's first sweep on other pages, and what needs none.
OTHERS = {
    " ".join(words): words for words in other_pages() if not (trains(words) or "OTHER" in words)
}
# It finds that Aim's index lacks each run, as it does until Aim's UI is opened.
FINDS_SOMETHING = "qa_sweep.doctor"


class Followed(NamedTuple):
    """The folder in which the quickstart was followed, and what each command has said."""

    folder: Path
    quickstart: list[Told]  # in the order of the page
    others: dict[str, Told]

    def of(self, module: str) -> list[str]:
        """What the quickstart's commands of a module have said."""
        return [told.output for told in self.quickstart if told.words[0] == module]


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Followed:
    """The other pages' commands come before the quickstart's second sweep: it makes a new study."""
    folder = tmp_path_factory.mktemp("quickstart")
    write_files(folder)
    page = quickstart()
    second = next(number for number, words in enumerate(page) if "data=local" in words)
    told = follow([*page[:second], *OTHERS.values(), *page[second:]], folder)
    end = second + len(OTHERS)
    others = dict(zip(OTHERS, told[second:end], strict=True))
    return Followed(folder, told[:second] + told[end:], others)


def test_the_quickstart_leads_from_nothing_to_an_answer_from_ones_own_text(followed) -> None:
    for told in followed.quickstart:
        assert told.code == 0, told.complaints
    ended = [re.findall(r"^trial \d.* complete ", said, re.M) for said in followed.of("qa_sweep")]
    assert len(ended[0]) == 4
    assert all(ended)
    assert "train.jsonl: 6 rows" in followed.of("qa_sweep.data")[0]
    assert [bool(answer.strip()) for answer in followed.of("qa_sweep.ask")] == [True, True]
    assert (followed.folder / "report.html").stat().st_size > 100_000
    assert (followed.folder / "champion" / "model.safetensors").is_file()


@pytest.mark.parametrize("command", OTHERS)
def test_each_command_of_another_page_succeeds_and_says_something(command, followed) -> None:
    told = followed.others[command]
    assert told.code == (command == FINDS_SOMETHING), told.complaints
    assert told.output.strip()


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


def test_there_are_snippets_and_commands() -> None:
    assert len(SNIPPETS) >= 9
    assert len(OTHERS) >= 15
