"""Whether a command of the docs is one that its program takes; nothing is run."""

import argparse
import importlib
import inspect
import os
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import fields

from conftest import ROOT
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from packaging.requirements import Requirement

from qa_sweep import cli

_SWEEPER = "hydra.sweeper."
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_EXTRAS = _PROJECT["optional-dependencies"]
_PACKAGES = {
    Requirement(line).name
    for lines in (_PROJECT["dependencies"], *_EXTRAS.values())
    for line in lines
}


def check(words: Sequence[str], is_whole: bool = True) -> None:
    """Fail where the program would refuse the command."""
    program, *rest = words
    if program == "python" and rest[0] == "-m":
        _check_module(rest[1], rest[2:], is_whole)
    elif program == "python":
        _check_app(rest)
    elif "/" in program:
        assert os.access(ROOT / program, os.X_OK if is_whole else os.F_OK), program
    else:
        _SHELL[program](*rest)


def _check_module(module: str, words: list[str], is_whole: bool) -> None:
    if module == "qa_sweep":
        cli.to_run_config(composed(words))
    else:
        _parse(module, words, is_whole)


def composed(words: Sequence[str]):
    """The config of a run, or of the first trial of a sweep."""
    given = get_args_parser().parse_args(words).overrides
    # A launcher is a package of its own, which need not be here.
    given = [word for word in given if not word.startswith(("hydra/launcher", "hydra.launcher"))]
    given = [word.removeprefix("+") if "+experiment=" in word else word for word in given]
    overrides = [_first(each) for each in OverridesParser.create().parse_overrides(given)]
    cli.register_schema()
    with initialize_config_dir(str(cli.conf_folder()), version_base="1.3"):
        return compose("config", overrides)


def _first(override: Override) -> str:
    """An override with the first of its values."""
    if not override.is_sweep_override():
        assert override.input_line is not None
        return override.input_line
    value = override.value()
    first = value.start if isinstance(value, IntervalSweep) else next(override.sweep_iterator())
    return f"{override.get_key_element()}={first}"


def _parse(module: str, words: list[str], is_whole: bool) -> None:
    """Have the command's own parser read its words; it exits where it does not take them."""
    main = inspect.unwrap(importlib.import_module(module).main)
    parser = sys.modules[main.__module__]._parser()
    for action in parser._actions:
        action.required &= is_whole
    parser.parse_args(words)


def _check_app(words: Sequence[str]) -> None:
    """Of an app with our sweeper: what is said to the sweeper is one of its settings."""
    from hydra_plugins.optuna5_sweeper.sweeper import Optuna5SweeperConf

    given = get_args_parser().parse_args(words[1:]).overrides
    keys = [str(each.key_or_group) for each in OverridesParser.create().parse_overrides(given)]
    named = {key.removeprefix(_SWEEPER).split(".")[0] for key in keys if key.startswith(_SWEEPER)}
    assert named <= {field.name for field in fields(Optuna5SweeperConf)}, words


def _check_pip(*words: str) -> None:
    """What is installed is this package with extras that it has, or a package that it may use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["install"])
    parser.add_argument("-c", default="constraints.txt")
    parser.add_argument("--no-deps", action="store_true")
    parser.add_argument("--index-url")
    parser.add_argument("packages", nargs="+")
    said = parser.parse_args(words)
    assert (ROOT / said.c).is_file(), said.c
    for word in said.packages:
        requirement = Requirement(re.sub(r"^\.", _PROJECT["name"], word))
        assert requirement.extras <= set(_EXTRAS), word
        assert requirement.name in {_PROJECT["name"], *_PACKAGES}, word


def _check_folder(folder: str) -> None:
    assert (ROOT / folder).is_dir(), folder


def _check_nothing(*_: str) -> None:
    """By tests of their own (make, docker), or not ours."""


_SHELL: dict[str, Callable[..., None]] = {
    "pip": _check_pip,
    "cd": _check_folder,
    "make": _check_nothing,
    "docker": _check_nothing,
    ".": _check_nothing,
    "python3": _check_nothing,
    "tail": _check_nothing,
}
