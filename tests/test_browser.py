"""Aim's own pages, in a real browser, show the runs of a real sweep."""

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT, run

pytestmark = pytest.mark.browser

SWEEP = [
    "data.n_train=200",
    "data.n_eval=40",
    "trainer.epochs=2",
    "trainer.logging_steps=4",
    "hydra.sweeper.n_workers=2",
]


@pytest.fixture(scope="module")
def screenshots() -> ModuleType:
    """`docs/screenshots.py`, which knows how to start Aim and where its pages are."""
    path = ROOT / "docs" / "screenshots.py"
    spec = importlib.util.spec_from_file_location("screenshots", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def opened(screenshots, tmp_path_factory) -> Iterator:
    """A function that opens a page of Aim by name, on the repo of a sweep of six trials."""
    folder = tmp_path_factory.mktemp("swept")
    result = run(["-m", "qa_sweep", "-m", *SWEEP], folder)
    assert result.returncode == 0, result.stderr
    with screenshots.aim_ui(folder) as address:
        screenshots.wait_for_index(address, folder)
        with screenshots.browser() as driver:
            driver.get(address)
            driver.execute_script(screenshots.SKIP_POPUP)
            pages = {page.name: page for page in screenshots.pages(None)}

            def open_page(name: str) -> tuple:
                driver.get(address + pages[name].path)
                return driver, pages[name].mark

            yield open_page


def found(driver, selector: str, at_least: int, timeout_s: float = 60) -> list:
    """The elements that match, once there are so many."""
    deadline = time.monotonic() + timeout_s
    while len(elements := driver.find_elements("css selector", selector)) < at_least:
        assert time.monotonic() < deadline, f"{len(elements)} × {selector} of {at_least}"
        time.sleep(0.5)
    return elements


def test_six_runs_are_listed_as_complete(opened) -> None:
    driver, mark = opened("runs")
    found(driver, mark, at_least=6)
    text = driver.find_element("tag name", "body").text
    assert text.count("complete") >= 6


def test_each_run_has_a_train_and_an_eval_curve_of_its_loss(opened) -> None:
    driver, mark = opened("metrics")
    assert len(found(driver, mark, at_least=12)) == 12
    text = driver.find_element("tag name", "body").text
    assert "run.hparams.batch_size=16" in text
    assert "run.hparams.batch_size=32" in text


def test_the_params_explorer_draws_a_line_a_run(opened) -> None:
    driver, mark = opened("params")
    assert len(found(driver, mark, at_least=6)) >= 6
    text = driver.find_element("tag name", "body").text
    assert "hparams.learning_rate" in text


def test_the_text_explorer_shows_questions_and_answers(opened) -> None:
    driver, mark = opened("texts")
    found(driver, mark, at_least=4)
    text = driver.find_element("tag name", "body").text
    assert "Where was Elbeth born?" in text or "Which animal does Lorvin keep?" in text


def test_no_process_of_the_ui_is_left(screenshots, tmp_path: Path) -> None:
    import psutil

    result = run(["-m", "qa_sweep", *SWEEP[:4], "trainer.epochs=1"], tmp_path)
    assert result.returncode == 0, result.stderr
    with screenshots.aim_ui(tmp_path):
        started = [p for p in psutil.process_iter(["cmdline"]) if is_ui(p, tmp_path)]
        assert started
    time.sleep(1)
    assert not [p for p in psutil.process_iter(["cmdline"]) if is_ui(p, tmp_path)]


def is_ui(process, folder: Path) -> bool:
    words = process.info["cmdline"] or []
    return any("aim" in word for word in words) and str(folder) in " ".join(words)
