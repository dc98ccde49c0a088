"""The report's page in a real browser, with the network off."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from browsing import load_screenshots
from optuna.trial import TrialState
from report_helpers import HOSTILE, hostile_study, study_of, swept_folder, unfinished

from qa_sweep.report import main

pytestmark = pytest.mark.browser

__all__ = ["swept_folder"]

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
TAB, ENTER = "\ue004", "\ue007"  # the WebDriver standard's
TIMEOUT_S = 120
MANY = 80


class Browser:
    """A Chromium without a network."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        driver.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)

    def open(self, file: Path) -> None:
        self.driver.get_log("browser")
        self.driver.get(file.as_uri())
        deadline = time.monotonic() + TIMEOUT_S
        while not self.run("return document.body.classList.contains('drawn')"):
            assert time.monotonic() < deadline, self.driver.get_log("browser")
            time.sleep(0.1)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def found(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def media(self, **features: str) -> None:
        told = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def press(self, *keys: str) -> Any:
        """Give keys to what has the focus; return what has it then."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
        return self.driver.switch_to.active_element


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with load_screenshots().browser() as driver:
        yield Browser(driver)


@pytest.fixture(scope="module")
def pages(swept_folder) -> dict[str, Path]:
    """Of the sweep as it is, of one with many trials, and of one that is hostile."""
    write = writer(swept_folder)
    pages = {"small": write("small", "swept")}
    hostile_study(swept_folder / "results", n_objectives=2)
    pages["hostile"] = write("hostile", f"s {HOSTILE}")
    study = study_of(swept_folder / "results")
    study.add_trials(
        [
            unfinished(study, TrialState.PRUNED, intermediate_values={1: float(number)})
            for number in range(MANY)
        ]
    )
    return {**pages, "many": write("many", "swept")}


def writer(folder: Path) -> Callable[[str, str], Path]:
    def write(name: str, study: str) -> Path:
        file = folder / f"{name}.html"
        words = ["--results", str(folder / "results"), "--repo", str(folder)]
        assert main([*words, study, "--html", str(file)]) == 0
        return file

    return write


@pytest.fixture(params=["small", "many", "hostile"])
def page(request, browser, pages) -> Browser:
    browser.open(pages[request.param])
    return browser


@pytest.fixture
def small(browser, pages) -> Iterator[Browser]:
    browser.open(pages["small"])
    yield browser
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.media()


def test_all_figures_are_drawn_without_a_complaint_or_a_request(page, tmp_path) -> None:
    assert page.driver.get_log("browser") == []
    requests = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in requests if not name.startswith(("data:", "blob:"))] == []
    drawn = page.run(
        "return [...document.querySelectorAll('[data-figure]')].map(place => "
        "[place.closest('figure').id, place.querySelectorAll('.main-svg path').length])"
    )
    assert len(drawn) >= 7
    assert [name for name, count in drawn if count < 2] == []
    assert page.driver.save_screenshot(str(tmp_path / "page.png"))


def test_markup_of_a_study_is_shown_as_it_is(browser, pages) -> None:
    browser.open(pages["hostile"])
    assert "<script>alert(1)</script>" in browser.run("return document.body.innerText")
    assert not browser.found("img[onerror], figure a, figure b")


def test_one_gets_everywhere_by_keyboard(small) -> None:
    small.run("document.activeElement.blur()")
    skip = small.press(TAB)
    assert skip.text == "Skip to the results"
    assert skip.rect["x"] >= 0
    assert small.press(ENTER).get_attribute("id") == "main"
    seen = []
    for _ in range(200):
        focused = small.press(TAB)
        if focused.tag_name == "body":
            break
        outline = focused.value_of_css_property("outline-style")
        assert outline != "none", focused.get_attribute("outerHTML")[:200]
        seen.append(focused)
    else:
        pytest.fail("the focus never leaves the page")
    assert {element.tag_name for element in seen} >= {"a", "button", "summary"}
    everywhere = small.found("main a, main button, main summary")
    assert sum(element.is_displayed() for element in everywhere) <= len(seen)


def test_the_table_is_sorted_by_keyboard_either_way(small) -> None:
    (head,) = (th for th in small.found("table.sortable th") if th.text == "loss")
    small.run("arguments[0].querySelector('button').focus()", head)
    for order, is_descending in (("ascending", False), ("descending", True)):
        small.press(ENTER)
        assert head.get_attribute("aria-sort") == order
        losses = [float(cell.text) for cell in column(small, head)]
        assert losses == sorted(losses, reverse=is_descending)


def column(browser: Browser, head: Any) -> list:
    place = browser.run("return arguments[0].cellIndex", head) + 1
    return browser.found(f"table.sortable tbody tr > :nth-child({place})")


def test_of_many_trials_some_are_shown_at_first_and_all_on_demand(browser, pages) -> None:
    browser.open(pages["many"])

    def n_shown() -> int:
        return len([row for row in browser.found("table.sortable tbody tr") if row.is_displayed()])

    (more,) = browser.found("button.more")
    assert (n_shown(), more.text) == (50, f"Show all {MANY + 4}")
    more.click()
    assert (n_shown(), more.text) == (MANY + 4, "Show the first 50")


def test_a_phone_shows_the_page_without_scrolling_it_sideways(page) -> None:
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    time.sleep(1)
    width, wide = page.run(
        "return [document.scrollingElement.scrollWidth, [...document.querySelectorAll('body *')]"
        ".filter(e => !e.closest('.wide, svg, .plot') && e.getBoundingClientRect().right > 361)"
        ".map(e => e.outerHTML.slice(0, 200))]"
    )
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert (width, wide) == (360, [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_is_found(page, scheme) -> None:
    page.media(prefers_color_scheme=scheme)
    time.sleep(1)
    page.run((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run({exclude: [['.plot']]}).then(r => done(r.violations))"
    )
    page.media()
    serious = [
        (rule["id"], rule["nodes"][0]["html"][:200])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_dark_page_has_light_charts_letters(small) -> None:
    def fill() -> str:
        return small.run("return getComputedStyle(document.querySelector('.xtick text')).fill")

    light = fill()
    small.media(prefers_color_scheme="dark")
    time.sleep(2)
    assert fill() != light


def test_figures_fit_onto_paper(small, tmp_path) -> None:
    pdf = small.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27})["data"]
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(pdf))
    small.run("dispatchEvent(new Event('beforeprint'))")
    widths = small.run(
        "return [...document.querySelectorAll('.plot .main-svg')].map(s => s.clientWidth)"
    )
    assert max(widths) <= 680, json.dumps(widths)
    small.run("dispatchEvent(new Event('afterprint'))")
