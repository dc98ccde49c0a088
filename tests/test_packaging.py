"""What the package says of itself: its requirements, their versions, its extras."""

import ast
import os
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from qa_sweep.sweep.databases import _DRIVERS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
BOUNDS = runpy.run_path(str(ROOT / ".ci" / "bounds.py"))
# Parts of what is required, which come with it and are known by it alone.
PARTS = {"omegaconf": "hydra-core", "aimrocks": "aim", "requests": "aim", "websockets": "aim"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    named = {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}
    return {name: each for name, each in named.items() if name != "qa-sweep"}


ALWAYS = requirements(PROJECT["dependencies"])
OPTIONAL = requirements(list(chain.from_iterable(EXTRAS.values())))
ALL = {**ALWAYS, **OPTIONAL}


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


NEWEST, LOWEST = pins("constraints.txt"), pins("constraints-lowest.txt")


def imported_modules() -> set[str]:
    """What any file of ours imports, by its first name."""
    found: set[str] = set()
    for path in chain(ROOT.glob("qa_sweep/**/*.py"), ROOT.glob("hydra_plugins/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"qa_sweep", "hydra_plugins"}


def test_each_package_that_is_imported_is_required() -> None:
    distributions = packages_distributions()
    unnamed = {
        name
        for name in imported_modules()
        if not {canonicalize_name(each) for each in distributions.get(name, [name])} & set(ALL)
        and PARTS.get(name) not in ALWAYS
    }
    assert not unnamed


def test_each_requirement_names_its_lowest_version() -> None:
    assert all(BOUNDS["lowest"](each) for each in ALL.values())
    with pytest.raises(ValueError, match="psutil<7 must name its lowest version"):
        BOUNDS["lowest"](Requirement("psutil<7"))


@pytest.mark.parametrize("name", ALL)
def test_the_pin_of_a_requirement_is_a_version_that_it_allows(name: str) -> None:
    assert ALL[name].specifier.contains(NEWEST[name])


@pytest.mark.parametrize("name", sorted(set(ALL) & set(LOWEST) - {"torch"}))
def test_the_lowest_pin_of_a_requirement_is_its_lower_bound(name: str) -> None:
    assert Requirement(f"{name}=={BOUNDS['lowest'](ALL[name])}").specifier.contains(LOWEST[name])


def test_what_is_used_at_work_has_a_lowest_pin_and_torchs_is_said_not_to_be() -> None:
    at_work = set(ALL) - set(requirements([*EXTRAS["dev"], *EXTRAS["docs"], *EXTRAS["browser"]]))
    assert at_work <= set(LOWEST)
    assert LOWEST["torch"] == NEWEST["torch"]
    bound = BOUNDS["lowest"](ALWAYS["torch"])
    assert f"# not tried: torch=={bound}\n" in (ROOT / "constraints-lowest.txt").read_text()


def test_each_extra_that_a_text_names_is_there() -> None:
    sources = chain(ROOT.glob("qa_sweep/**/*.py"), ROOT.glob("docs/*.md"), [ROOT / "Makefile"])
    text = "".join(path.read_text() for path in sources)
    named = re.findall(r"(?:qa_sweep|-e '\.)\[([a-z,]+)\]", text)
    assert {name for names in named for name in names.split(",")} | set(_DRIVERS) <= set(EXTRAS)
    (every,) = re.findall(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(every.split()) <= set(EXTRAS)


def test_make_installs_each_extra_once() -> None:
    text = (ROOT / "Makefile").read_text()
    (every,) = re.findall(r"^EXTRAS := (.*)$", text, re.MULTILINE)
    assert set(re.findall(r"\.has-([a-z]+)", text)) == set(every.split())


def test_the_pythons_that_are_named_are_those_that_are_allowed() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    allowed = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert named == [minor for minor in (f"3.{n}" for n in range(30)) if f"{minor}.1" in allowed]


def test_a_test_run_in_which_all_is_skipped_says_so() -> None:
    words = ["-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "-m", "slurm"]
    ended = subprocess.run(
        [sys.executable, *words, "tests/test_slurm.py"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "SLURM_CONF"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"NOTHING WAS TESTED: all \d+ skipped", ended.stdout)
