"""Bad settings: each in the docs is answered by the line that stands there, and by no more."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment
from docs_helpers import DOCS

PAGE = DOCS / "bad-settings.md"
ROWS = re.findall(r"^\| `([^`]*)` \| `([^`]*)` \|$", PAGE.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What came of each of the docs' commands, each in a process and an empty folder of its own."""
    commands = [shlex.split(typed) for typed, _ in ROWS]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("forked_commands.py"))],
        input=json.dumps(commands),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = map(json.loads, done.stdout.splitlines())
    return {typed: answer for (typed, _), answer in zip(ROWS, found, strict=True)}


def test_the_docs_show_bad_settings_of_every_kind() -> None:
    typed = [typed for typed, _ in ROWS]
    assert len(typed) == len(set(typed)) >= 30
    assert sum(words.startswith("-m ") for words in typed) >= 10
    for group in ("trainer", "data", "model", "evaluation", "tracking", "questions", "speed"):
        assert any(f"{group}." in words for words in typed), group


@pytest.mark.parametrize(("typed", "said"), ROWS, ids=[typed for typed, _ in ROWS])
def test_a_bad_setting_is_one_line_that_stands_in_the_docs(answers, typed, said) -> None:
    answer = answers[typed]
    lines = [line.replace(answer["folder"], "/home/ada") for line in answer["lines"]]
    assert lines == [f"qa_sweep: {said}"]
    assert answer["code"] == 1


@pytest.mark.parametrize("typed", [typed for typed, _ in ROWS])
def test_a_bad_setting_leaves_nothing_and_waits_for_no_library(answers, typed) -> None:
    answer = answers[typed]
    assert answer["left"] == []
    assert answer["heavy"] == []
