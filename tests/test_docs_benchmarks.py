"""The benchmarks that the docs name are there, and take what the docs tell people to type."""

import argparse
import runpy
import sys
from collections.abc import Callable

import pytest
from conftest import ROOT
from docs_helpers import PAGES, commands, mentions

FOLDER = ROOT / "benchmarks"
OPTION_OF_GPU_SH = "--wheels"  # the rest are those of gpu.py
NAMED = [words for page in PAGES for words in (*commands(page), *mentions(page))]
TYPED = {
    " ".join(words): words
    for words in NAMED
    if words[0] == "benchmarks/gpu.sh" or (words[0] == "python" and "benchmarks/" in words[1])
}


class Taken(Exception):
    """The script's parser has taken its words."""


def then_stop(parse: Callable) -> Callable:
    """The parser's method, behind which the script does not go on."""

    def parse_and_stop(*arguments, **named):
        parse(*arguments, **named)
        raise Taken

    return parse_and_stop


@pytest.fixture
def take(monkeypatch) -> Callable[[list[str]], None]:
    """Start a script until it has read its words; it exits where it does not take them."""
    monkeypatch.syspath_prepend(FOLDER)
    for name in ("parse_args", "parse_intermixed_args"):
        parse = getattr(argparse.ArgumentParser, name)
        monkeypatch.setattr(argparse.ArgumentParser, name, then_stop(parse))

    def start(words: list[str]) -> None:
        script = ROOT / words[0]
        assert "ArgumentParser(" in script.read_text(), f"{script.name} reads no options"
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(Taken):
            runpy.run_path(str(script), run_name="__main__")

    return start


def as_python(words: list[str]) -> list[str]:
    """The script that reads the words, and those that it is given."""
    if words[0] == "python":
        return words[1:]
    assert words[0] == "benchmarks/gpu.sh"
    rest = words[3:] if words[1:2] == [OPTION_OF_GPU_SH] else words[1:]
    return ["benchmarks/gpu.py", *rest]


def test_there_are_benchmarks_in_the_docs() -> None:
    assert len(TYPED) >= 40


@pytest.mark.parametrize("command", [each for each in TYPED if "gpu.sh pack" not in each])
def test_each_benchmark_of_the_docs_takes_its_words(command, take) -> None:
    take(as_python(TYPED[command]))


@pytest.mark.parametrize("words", ["tracking.py --step 3", "sweep_speed.py embeded"])
def test_a_word_that_a_benchmark_does_not_take_is_seen(words, take) -> None:
    with pytest.raises(SystemExit):
        take(f"benchmarks/{words}".split())


def test_each_script_of_a_benchmark_stands_in_its_readme() -> None:
    text = (FOLDER / "README.md").read_text()
    scripts = [path for path in FOLDER.glob("*.py") if '"__main__"' in path.read_text()]
    assert len(scripts) >= 20
    assert not [path.name for path in scripts if path.name not in text and path.stem != "gpu"]
