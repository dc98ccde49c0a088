"""The page on reliability: each fault's tests exist, and are run by what stands there."""

import ast
import re
from pathlib import Path

import pytest
from conftest import ROOT
from docs_helpers import DOCS

N_FAULTS = 18
ROW = re.compile(r"^\| (\d+)\. [^|]* \| [^|]* \| [^|]* \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
ROWS = ROW.findall((DOCS / "reliability.md").read_text())
# What runs the tests that are marked so.
TARGETS = {None: "make test", "faults": "make test-faults", "servers": "make test-servers"}


def test_there_is_a_row_for_each_fault() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, N_FAULTS + 1))


@pytest.mark.parametrize(("number", "tests", "targets"), ROWS, ids=[row[0] for row in ROWS])
def test_each_fault_has_its_tests_and_says_what_runs_them(number, tests, targets) -> None:
    named = re.findall(r"`(\w+)\.py::(\w+)`", tests)
    assert named
    assert tests.count("`") == 2 * len(named)
    found = {TARGETS[marker_of(ROOT / "tests" / f"{file}.py", name)] for file, name in named}
    assert found == set(re.findall(r"`([^`]*)`", targets))


def marker_of(path: Path, name: str) -> str | None:
    """The marker of ours under which a test of the file is run; None without one."""
    tree = ast.parse(path.read_text())
    (test,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    of_file = [node.value for node in tree.body if _assigns_marks(node)]
    marks = " ".join(map(ast.unparse, [*test.decorator_list, *of_file]))
    return next((name for name in TARGETS if name and f"pytest.mark.{name}" in marks), None)


def _assigns_marks(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
