"""What the tests in a browser share: Aim's UI as a user starts it, and a Chromium to look at it."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from conftest import ROOT

from qa_sweep.tracking.reader import read_names, repo_folder

LINE = "svg path[id^=Line]"
TIMEOUT_S = 60
SETTLE_S = 2  # from what a page shows first, to what it shows last
LINK = re.compile(r"^  (.+?): http://127\.0\.0\.1:\d+(/\S+)$", re.MULTILINE)


@dataclass
class Ui:
    """An open UI and the browser that looks at it."""

    driver: Any
    address: str
    links: dict[str, str]  # as `qa_sweep.up` prints them: title -> path

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def wait_for(self, selector: str, at_least: int = 1) -> list:
        """The elements that match, once there are so many."""
        until(
            lambda: len(self.found(selector)) >= at_least,
            lambda: f"{len(self.found(selector))} × {selector} in {self.text[-1000:]!r}",
        )
        time.sleep(SETTLE_S)
        return self.found(selector)

    def wait_for_text(self, *texts: str) -> str:
        """The page's text, once each of `texts` is in it."""
        until(
            lambda: all(text in self.text for text in texts),
            lambda: f"{[text for text in texts if text not in self.text]} not in {self.text!r}",
        )
        return self.text

    def found(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    @property
    def text(self) -> str:
        shown = self.driver.execute_script("return document.body.innerText")
        return shown.replace("\xa0", " ")  # the field of the query shows its spaces so


@contextmanager
def opened(folder: Path, study: str) -> Iterator[Ui]:
    """`python -m qa_sweep.up` on the repo in `folder`, once it has indexed all runs."""
    screenshots = load_screenshots()
    with up(folder, screenshots.free_port(), study) as (address, said):
        runs = [run.hash for run in read_names(repo_folder(str(folder)))]
        screenshots.wait_for_index(address, runs)
        with screenshots.browser() as driver:
            driver.get(address)
            driver.execute_script(screenshots.SKIP_POPUP)
            yield Ui(driver, address, dict(LINK.findall(said)))


@contextmanager
def up(folder: Path, port: int, study: str) -> Iterator[tuple[str, str]]:
    """Gives its address and what it has said when Aim answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qa_sweep.up", "--port", str(port), "--study", study],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        while "all bookmarks" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield f"http://127.0.0.1:{port}", said
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        process.stdout.close()


def until(condition: Callable[[], bool], found: Callable[[], str]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, found()
        time.sleep(0.5)


def load_screenshots() -> ModuleType:
    """`docs/screenshots.py`, which knows how to start a browser."""
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
