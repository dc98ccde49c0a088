"""Shared fixtures: commands run as a user runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine may stall for a second in any example; that is no finding.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

os.environ["QA_SWEEP_CACHE"] = "off"  # the user's cache is left alone

# A shell that runs the tests in the background has them ignore Ctrl-C, which the programs under
# test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
PARABOLA = ROOT / "tests" / "parabola_app" / "app.py"

Command = Callable[..., subprocess.CompletedProcess]


def environment() -> dict[str, str]:
    """The user's environment, with the checkout importable and no hub to be asked."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}


def run(words: Sequence[str], folder: Path, timeout_s: float = 240) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def qa_sweep(tmp_path: Path) -> Command:
    """`python -m qa_sweep …` in an empty folder."""
    return lambda *words: run(["-m", "qa_sweep", *words], tmp_path)


@pytest.fixture
def parabola(tmp_path: Path) -> Command:
    """The app that is not about question answering, in an empty folder."""
    return lambda *words: run([str(PARABOLA), *words], tmp_path)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say so where all was skipped, which else passes without a word."""
    ended = {kind for kind, reports in terminalreporter.stats.items() if kind and reports}
    if ended <= {"skipped", "deselected", "warnings"} and "skipped" in ended:
        n_skipped = len(terminalreporter.stats["skipped"])
        terminalreporter.section(
            f"NOTHING WAS TESTED: all {n_skipped} skipped, see above", yellow=True
        )
