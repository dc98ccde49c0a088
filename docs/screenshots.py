"""Saves pictures of Aim's pages for a repo: Runs, Metrics, Params and Text explorers.

    python docs/screenshots.py REPO OUT [--experiment NAME]

Starts Aim's UI at a free port, waits until it has indexed the repo's runs, opens each page in a
headless Chromium and stops the UI. Needs Chromium, its driver and Selenium; on Debian:

    apt-get install chromium chromium-driver && pip install selenium

(Chromium's own `--screenshot` is not enough: under its virtual time Aim draws no chart.)
"""

import argparse
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from selenium import webdriver
from selenium.webdriver.common.by import By

from qa_sweep.tracking.reader import read_names, repo_folder
from qa_sweep.tracking.ui import aim_ui
from qa_sweep.tracking.views import views

INDEX_TIMEOUT_S = 120
PAGE_TIMEOUT_S = 60
SETTLE_S = 3  # after the first mark of a page is drawn, until it is whole
SKIP_POPUP = 'localStorage.setItem("communityPopupSeen", "true")'
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1600,1140",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repo", type=Path, help="folder that holds .aim")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--experiment", help="whose runs; by default of the latest run's")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = read_names(repo_folder(str(arguments.repo)))
    experiment = arguments.experiment or names[-1].experiment
    with aim_ui(str(arguments.repo), free_port()) as ui:
        wait_for_index(ui.address, [run.hash for run in names])
        with browser() as driver:
            driver.get(ui.address)
            driver.execute_script(SKIP_POPUP)
            for page in pages(experiment):
                take_picture(driver, page, ui.address, arguments.out)


class Page(NamedTuple):
    """A page to take a picture of."""

    name: str
    path: str  # address below the UI's
    mark: str  # CSS selector of what shows that its data are drawn


def pages(experiment: str) -> list[Page]:
    losses, scores, params, texts = (view.address for view in views(experiment))
    return [
        Page("runs", "/runs", "a[href*='/runs/']"),
        Page("metrics", losses, "svg path[id^=Line]"),
        Page("scores", scores, "svg path[id^=Line]"),
        Page("params", params, "svg path[id^=Line]"),
        Page("texts", texts, ".TextBox"),
    ]


def wait_for_index(address: str, runs: list[str]) -> None:
    """Wait until the UI shows those runs: it finds them by a look every few seconds."""
    started = time.monotonic()
    search = f"{address}/api/runs/search/run/?report_progress=false&limit={len(runs)}"
    wait_for(lambda: mentions_all(fetch(search), runs), INDEX_TIMEOUT_S)
    print(f"{len(runs)} runs indexed {time.monotonic() - started:.1f} s after the UI answered")


def mentions_all(answer: bytes | None, runs: list[str]) -> bool:
    return answer is not None and all(run.encode() in answer for run in runs)


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing within {timeout_s} s")
        time.sleep(0.5)


def fetch(address: str) -> bytes | None:
    """What is at `address`; None while nothing answers there."""
    try:
        with urlopen(address, timeout=10) as answer:
            return bytes(answer.read())
    except (URLError, TimeoutError, ConnectionError):
        return None


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        options = webdriver.ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=required("chromedriver"))
        options.binary_location = required("chromium")
        driver = webdriver.Chrome(options, service)
        try:
            yield driver
        finally:
            driver.quit()


def take_picture(driver: webdriver.Chrome, page: Page, address: str, out: Path) -> None:
    driver.get(address + page.path)
    path = out / f"{page.name}.png"
    try:
        wait_for(lambda: driver.find_elements(By.CSS_SELECTOR, page.mark), PAGE_TIMEOUT_S)
        time.sleep(SETTLE_S)
    except TimeoutError:
        print(f"{page.name}: no data drawn within {PAGE_TIMEOUT_S} s", file=sys.stderr)
    driver.save_screenshot(str(path))
    print(path)


def required(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} must be installed; see the top of {__file__}")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
