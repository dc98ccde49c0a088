"""What readers type when they follow the docs, cut down to what a test can wait for."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from conftest import ROOT, environment
from docs_helpers import DOCS, PAGES, commands
from docs_not_run import reasons

QUICKSTART = DOCS / "quickstart.md"
# What comes from the hub, or is meant for that; without it there is the tiny model, and generated
# questions.
HUB = {
    *("model=distilbert", "data=squad", "sweeps=finetune"),
    *("--model", "distilbert/distilbert-base-uncased"),
}
# What the pages leave to the reader, and what is put there.
NAMES = {"NAME": "STUDY", "TRIAL": "0"}

# Settings that make a run or a sweep a small one. The main sweep has four trials, so that there is
# the trial 3 of which the pages speak.
SHORT = {"trainer.epochs": "1", "trainer.logging_steps": "2"}
GENERATED = {"data.n_train": "64", "data.n_eval": "40"}
OWN = {"trainer.batch_size": "2", "trainer.learning_rate": "0.004", "data.holdout": "0.5"}
MAIN = {
    "trainer.batch_size": "16,32",
    "trainer.learning_rate": "0.004,0.0004",
    "hydra.sweeper.study_name": "STUDY",
}
ONE_POINT = {"trainer.batch_size": "32", "trainer.learning_rate": "0.004"}
SEARCH = {"hydra.sweeper.n_trials": "2"}


class Told(NamedTuple):
    """A command that was given, its exit code and what it has said."""

    words: list[str]
    code: int
    output: str
    complaints: str  # those of all that were given with it


def follow(typed: Sequence[list[str]], folder: Path) -> list[Told]:
    """Give commands, each a module and words, one after the other in a folder."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "followed_commands.py")],
        cwd=folder,
        input=json.dumps(list(map(small, typed))),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = ((folder / f"said-{number}").read_text() for number in range(len(typed)))
    return [
        Told(words, code, output, done.stderr)
        for words, code, output in zip(typed, json.loads(done.stdout), said, strict=True)
    ]


def quickstart() -> list[list[str]]:
    """The commands of ours that the quickstart has people type: a module and its words."""
    return _typed_on(QUICKSTART)


def other_pages() -> list[list[str]]:
    """Those that stand on other pages alone, once each."""
    known = list(map(tuple, quickstart()))
    found = {tuple(words): None for page in PAGES for words in _typed_on(page)}
    return [list(words) for words in found if words not in known]


def _typed_on(page: Path) -> list[list[str]]:
    return [words[2:] for words in commands(page) if not reasons(words)]


def trains(words: list[str]) -> bool:
    """Whether it is a run or a sweep."""
    return words[0] == "qa_sweep" and not {"--help", "--cfg"} & set(words)


def small(words: list[str]) -> list[str]:
    """A command as it is typed, but for what comes from the hub and the size of a run or sweep."""
    kept = [_named(word) for word in words if word not in HUB]
    if not trains(words):
        return kept
    params = {_name(word) for word in kept if "=" in word and "," in word}
    sizes = {name: value for name, value in _sizes(words).items() if name not in params}
    kept = [word for word in kept if _name(word) not in sizes]
    return kept + [f"{name}={value}" for name, value in sizes.items()]


def _named(word: str) -> str:
    return re.sub(rf"\b({'|'.join(NAMES)})\b", lambda found: NAMES[found[0]], word)


def _name(word: str) -> str:
    """Of a setting that is given as NAME=VALUE."""
    return word.partition("=")[0]


def _sizes(words: list[str]) -> dict[str, str]:
    """The settings that are given instead of those that stand there, or in addition."""
    names = set(map(_name, words))
    sizes = SHORT | (OWN if "data=local" in words else GENERATED)
    if words == ["qa_sweep", "-m"]:
        return sizes | MAIN
    if "-m" not in words:
        return sizes
    if "hydra.sweeper.repeats" in names:
        sizes |= {"hydra.sweeper.study_name": "OTHER"}
    if {"sweeps=search", "sweeps=random"} & set(words) or "hydra.sweeper.n_trials" in names:
        return sizes | SEARCH
    return sizes if "sweeps=none" in words else ONE_POINT | sizes
