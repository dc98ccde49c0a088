"""The docs: what they tell people to type is what the program takes, and links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment
from docs_checks import check
from docs_helpers import DOCS, PAGES, anchors, commands, links, mentions, name_of
from docs_not_run import NOT_RUN, reasons
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import read_space

ALL = [(words, True) for page in PAGES for words in commands(page)]
ALL += [(words, False) for page in PAGES for words in mentions(page)]
TARGETS = {target for words, _ in ALL if words[0] == "make" for target in words[1:]}
# What is both typed and mentioned counts as typed, hence the order. `bert_large` is the model that
# CONTRIBUTING has people add; tests/test_contributing.py does. Benchmarks have their own tests.
COMMANDS = {
    " ".join(words): (words, is_whole)
    for words, is_whole in reversed(ALL)
    if "model=bert_large" not in words and "benchmarks/" not in " ".join(words[:2])
}
ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\ssrc="(?:https?:)?//"""
    r"""|<link\b[^>]*\shref="(?:https?:)?//"""
    r"""|(?:url\(|@import)\s*["']?(?:https?:)?//"""
)


def test_there_are_commands_in_the_docs() -> None:
    assert len(COMMANDS) >= 70
    assert len(TARGETS) >= 5
    assert {"python", "make", "pip", "docker", ".ci/pin"} <= {words[0] for words, _ in ALL}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_docs_is_one_that_the_program_takes(command) -> None:
    check(*COMMANDS[command])


@pytest.mark.parametrize("key", NOT_RUN)
def test_what_no_test_runs_stands_in_the_docs_and_names_what_is_there(key) -> None:
    assert any(key in reasons(words) for words, is_whole in ALL if is_whole)
    for name in re.findall(r"(?:tests|\.ci)/[\w.]+", NOT_RUN[key]):
        assert (ROOT / name).is_file(), name


def first_cells(page: str) -> list[str]:
    """What stands as code in the first column of a page's tables."""
    cells = re.findall(r"^\| `([^`]*)` \|", (DOCS / page).read_text(), re.MULTILINE)
    return [cell.strip("'") for cell in cells]


@pytest.mark.parametrize("words", first_cells("sweeps.md"))
def test_each_way_to_name_values_makes_a_param(words) -> None:
    (override,) = OverridesParser.create().parse_overrides([words])
    (param,) = read_space([override]).params
    assert words.startswith(f"{param.name}=")


def test_each_engine_is_chosen_by_words_that_a_sweep_takes() -> None:
    rows = re.findall(r"^\|.*\| `(hydra[^`]*)`", (DOCS / "engines.md").read_text(), re.MULTILINE)
    assert len(rows) == 7
    for words in rows:
        check(["python", "-m", "qa_sweep", "-m", *words.split()])


def test_make_has_each_target_of_the_docs() -> None:
    subprocess.run(["make", "-n", *TARGETS], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("qa_sweep trainer.epoch=1", ConfigCompositionException),
        ("qa_sweep trainer.epochs=0", ConfigError),
        ("qa_sweep.report --pdf report.pdf", SystemExit),
        ("qa_sweep.repart", ModuleNotFoundError),
    ],
)
def test_a_command_that_the_program_does_not_take_is_seen(words, error) -> None:
    with pytest.raises(error):
        check(["python", "-m", *words.split()])


@pytest.mark.parametrize(
    "command",
    [
        "python app.py -m x=1,2 hydra.sweeper.n_trails=3",
        "pip install qa_sweep[slrum]",
        "pip install hydra-jobib-launcher",
        ".ci/pins",
        "cd dokcer",
    ],
)
def test_a_command_of_another_program_that_cannot_be_right_is_seen(command) -> None:
    with pytest.raises(AssertionError):
        check(command.split())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_of_the_docs_leads_to_a_file_and_a_heading_in_it(page) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("name", ["settings", "api"])
def test_what_is_made_of_the_source_is_as_the_source_is(name, monkeypatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    module = __import__(name)
    assert module.PAGE.read_text() == module.page(), f"run `python docs/{name}.py`"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    words = ["--fail-on-warning", "--keep-going", "--quiet", "-d", folder / "doctrees", DOCS]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, folder / "html"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


def test_the_site_has_a_page_for_each_page(site) -> None:
    for page in DOCS.glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()


def test_the_site_loads_nothing_from_elsewhere(site) -> None:
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 15
    for file in files:
        found = ELSEWHERE.search(file.read_text())
        assert found is None, f"{file.name}: {found[0]}"
