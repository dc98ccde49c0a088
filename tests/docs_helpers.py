"""What the pages of the docs tell people to type, to run and to follow."""

import re
import shlex
from pathlib import Path

from conftest import ROOT

DOCS = ROOT / "docs"
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY"))]
PAGES += [ROOT / "benchmarks" / "README.md", *sorted(DOCS.glob("*.md"))]

# In blocks that are marked so, commands stand; others hold texts and code.
_SHELL = ("", "bash")
_BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = r"(?:(?:\.ci|benchmarks)/\w[\w.]*|docker/prepare)"
_PROGRAM = rf"python3?|(?:\.venv/bin/)?pip|make|cd|\.|tail|docker|{_FILE}"
_TYPED = re.compile(rf"^(?:\$ )?((?:{_PROGRAM})(?: .*)?)$", re.MULTILINE)
_MENTIONED = re.compile(
    r"`((?:python -m qa_sweep|python benchmarks/|make |pip install |docker compose "
    rf"|{_FILE}(?=[ `]))[^`]*)`"
)
_CONTINUED = re.compile(r"\\\n\s*")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LINKED_TEXT = re.compile(r"\[([^]]*)\]\([^)\s]+\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    """The blocks of a page that are marked as one of `languages`."""
    return [text for marked, text in _BLOCK.findall(page.read_text()) if marked in languages]


def prose(page: Path) -> str:
    """A page without its blocks."""
    return _BLOCK.sub("", page.read_text())


def commands(page: Path) -> list[list[str]]:
    """What the page has people type, as words."""
    shown = (_CONTINUED.sub(" ", block) for block in blocks(page, *_SHELL))
    return [_words(line) for block in shown for line in _TYPED.findall(block)]


def mentions(page: Path) -> list[list[str]]:
    """The commands within sentences, as words; they may leave out what they are not about."""
    return [_words(line) for line in _MENTIONED.findall(prose(page))]


def _words(line: str) -> list[str]:
    """The words of a command without its comment, what it is piped into, and "…"."""
    words = [word for word in shlex.split(line, comments=True) if word != "…"]
    words[0] = words[0].removeprefix(".venv/bin/")
    return words[: words.index("|")] if "|" in words else words


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead to, but for other sites."""
    return [target for target in _LINK.findall(prose(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to."""
    titles = _HEADING.findall(_LINKED_TEXT.sub(r"\1", prose(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}
