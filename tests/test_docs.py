"""The docs: what they tell people to type is what the program takes."""

import re
import shlex

import pytest
from conftest import ROOT, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[str]:
    """Every `python -m qa_sweep …` of the docs that starts a run or a sweep, once."""
    found = []
    for page in PAGES:
        for line in re.findall(r"^\s*(python -m qa_sweep .*)$", page.read_text(), re.MULTILINE):
            command = line.split("  #")[0].strip()
            if "--help" not in command:
                found.append(command)
    return list(dict.fromkeys(found))


def test_there_are_commands_in_the_docs() -> None:
    assert len(commands()) >= 6


@pytest.mark.parametrize("command", commands())
def test_each_command_of_the_docs_composes(command, tmp_path) -> None:
    overrides = [word for word in shlex.split(command)[3:] if word != "-m"]
    fixed = [word for word in overrides if not re.search(r",|interval", word)]  # not swept over
    shown = run(["-m", "qa_sweep", *fixed, "--cfg", "job"], tmp_path)
    assert shown.returncode == 0, shown.stderr


def test_the_readme_is_short_and_its_pictures_exist() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    for path in re.findall(r"\]\(((?:docs|CON)[^)#]*)", text):
        assert (ROOT / path).exists(), path


def test_links_between_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
