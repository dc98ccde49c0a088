"""What the pages of the docs tell people to type, to run and to follow."""

import importlib
import inspect
import re
import shlex
import sys
from pathlib import Path

from conftest import ROOT
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override

from qa_sweep import cli

DOCS = ROOT / "docs"
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))]
PAGES += sorted(DOCS.glob("*.md"))

_BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^(?:\$ )?((?:python -m qa_sweep|make\b).*)$", re.MULTILINE)
_MENTIONED = re.compile(r"`((?:python -m qa_sweep|make )[^`]*)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LINKED_TEXT = re.compile(r"\[([^]]*)\]\([^)\s]+\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page that are marked as `language`."""
    return [text for marked, text in _BLOCK.findall(page.read_text()) if marked == language]


def prose(page: Path) -> str:
    """A page without its blocks."""
    return _BLOCK.sub("", page.read_text())


def commands(page: Path) -> list[list[str]]:
    """What the page has people type of ours, as words."""
    return [_words(line) for block in blocks(page, "") for line in _TYPED.findall(block)]


def mentions(page: Path) -> list[list[str]]:
    """The commands within sentences, as words; they may leave out what they are not about."""
    return [_words(line) for line in _MENTIONED.findall(prose(page))]


def _words(line: str) -> list[str]:
    """The words of a command without its comment, what it is piped into, and "…"."""
    words = [word for word in shlex.split(line, comments=True) if word != "…"]
    return words[: words.index("|")] if "|" in words else words


def check(words: list[str], is_whole: bool = True) -> None:
    """Fail where the program would refuse a command of Python's; nothing is run."""
    module, *rest = words[2:]
    if module == "qa_sweep":
        cli.to_run_config(composed(rest))
    else:
        _parse(module, rest, is_whole)


def composed(words: list[str]):
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


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead to, but for other sites."""
    return [target for target in _LINK.findall(prose(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to."""
    titles = _HEADING.findall(_LINKED_TEXT.sub(r"\1", prose(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}
