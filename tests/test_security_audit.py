"""The audit: a known hole fails it, unless it is excepted with a date and a reason."""

import importlib.machinery
import importlib.util
import re
from datetime import date, timedelta
from types import ModuleType

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("audit", str(ROOT / ".ci" / "audit"))
    spec = importlib.util.spec_from_loader("audit", loader)
    assert spec is not None
    with pytest.MonkeyPatch.context() as patch:
        module = importlib.util.module_from_spec(spec)
        patch.setattr("sys.dont_write_bytecode", True)
        loader.exec_module(module)
    return module


# As pip-audit writes it.
REPORT = {
    "dependencies": [
        {"name": "safe", "version": "1.0", "vulns": []},
        {
            "name": "aim",
            "version": "3.29.1",
            "vulns": [
                {"id": "GHSA-1", "fix_versions": [], "aliases": ["CVE-2025-1"], "description": ""},
                {"id": "PYSEC-2", "fix_versions": ["4"], "aliases": [], "description": ""},
            ],
        },
        {"name": "private", "skip_reason": "Dependency not found on PyPI"},
    ],
    "fixes": [],
}
TODAY = date(2026, 11, 22)


def exempt(audit: ModuleType, name: str, age_days: int = 0):
    return audit.Exempt("aim", name, TODAY - timedelta(days=age_days), "since")


def test_a_hole_is_open_until_it_is_excepted_by_any_of_its_names(audit) -> None:
    holes = audit.holes_of(REPORT)
    assert audit.open_holes(holes, []) == holes
    (left,) = audit.open_holes(holes, [exempt(audit, "CVE-2025-1")])
    assert str(left) == "aim 3.29.1: PYSEC-2, fixed in 4"
    assert audit.open_holes(holes, [exempt(audit, "GHSA-1"), exempt(audit, "PYSEC-2")]) == []
    other = audit.Exempt("safe", "PYSEC-2", TODAY, "of another package")
    assert audit.open_holes(holes, [other]) == holes


def test_an_exception_that_is_old_or_no_longer_needed_is_named(audit) -> None:
    holes = audit.holes_of(REPORT)
    young, old, other = (
        exempt(audit, "GHSA-1", 90), exempt(audit, "PYSEC-2", 91), exempt(audit, "CVE-0", 91),
    )  # fmt: skip
    first, second = audit.notes(holes, [young, old, other], TODAY)
    assert first.startswith("older than 90 days: aim PYSEC-2")
    assert second.startswith("no longer needed: aim CVE-0")


def test_what_the_service_does_not_know_is_named(audit) -> None:
    assert audit.unaudited(REPORT) == {"private": "Dependency not found on PyPI"}


def test_without_a_list_of_holes_nothing_is_audited_which_is_said(audit, monkeypatch, capsys):
    monkeypatch.setattr(audit, "audit", lambda _: "no route to host")
    assert audit.main() == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SKIPPED: ")
    assert "no route to host" in shown


@pytest.mark.parametrize(("excepted", "code"), [(["GHSA-1", "PYSEC-2"], 0), (["GHSA-1"], 1)])
def test_only_holes_that_are_excepted_pass(audit, monkeypatch, capsys, excepted, code) -> None:
    monkeypatch.setattr(audit, "audit", lambda _: REPORT)
    known = [exempt(audit, name) for name in excepted]
    monkeypatch.setattr(audit, "read_exceptions", lambda _: known)
    assert audit.main() == code
    assert ("PYSEC-2, fixed in 4" in capsys.readouterr().out) is bool(code)


def test_each_exception_says_since_when_and_why(audit) -> None:
    pinned = (ROOT / "constraints.txt").read_text()
    exceptions = audit.read_exceptions(audit.EXCEPTIONS)
    assert exceptions
    for each in exceptions:
        assert re.search(rf"^{each.package}==", pinned, re.MULTILINE)
        assert each.since <= date.today()
        assert len(each.reason) > 40


def test_an_exception_of_a_package_that_is_not_known_there_is_left_alone(
    audit, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(audit, "audit", lambda _: REPORT)
    of_private = audit.Exempt("private", "CVE-0", TODAY, "since")
    monkeypatch.setattr(audit, "read_exceptions", lambda _: [of_private])
    assert audit.main() == 1
    assert "no longer needed" not in capsys.readouterr().out
