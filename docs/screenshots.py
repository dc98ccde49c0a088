"""Saves pictures of Aim's pages for a repo: Runs, Metrics, Params and Text explorers.

    python docs/screenshots.py REPO OUT [--experiment NAME]

Starts `aim up` on 127.0.0.1 at a free port, waits until it has indexed the repo's runs, opens each
page in a headless Chromium and stops the UI. Needs Chromium, its driver and Selenium; on Debian:

    apt-get install chromium chromium-driver && pip install selenium

(Chromium's own `--screenshot` is not enough: under its virtual time Aim draws no chart.)
"""

import argparse
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from selenium import webdriver
from selenium.webdriver.common.by import By

START_TIMEOUT_S = 120
INDEX_TIMEOUT_S = 120
PAGE_TIMEOUT_S = 60
SETTLE_S = 3  # after the first mark of a page is drawn, until it is whole
SKIP_POPUP = 'localStorage.setItem("communityPopupSeen", "true")'
COLORS = ("#3E72E7", "#18AB6D", "#7A4CE0", "#E149A0", "#E43D3D", "#E8853D")
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
    parser.add_argument("--experiment", help="show the runs of this experiment only")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with aim_ui(arguments.repo) as address:
        wait_for_index(address, arguments.repo)
        with browser() as driver:
            driver.get(address)
            driver.execute_script(SKIP_POPUP)
            for page in pages(arguments.experiment):
                take_picture(driver, page, address, arguments.out)


class Page(NamedTuple):
    """A page to take a picture of."""

    name: str
    path: str  # address below the UI's
    mark: str  # CSS selector of what shows that its data are drawn


def pages(experiment: str | None) -> list[Page]:
    query = f"run.experiment == {json.dumps(experiment)}" if experiment else ""
    return [
        Page("runs", "/runs", "a[href*='/runs/']"),
        Page("metrics", metrics_link(query), "svg path[id^=Line]"),
        Page("params", params_link(query), "svg path[id^=Line]"),
        Page("texts", texts_link(query), ".TextBox"),
    ]


def metrics_link(query: str) -> str:
    """Loss curves: colour by learning rate, a chart a batch size, dashes by subset."""
    grouping = {
        "color": ["run.params.hparams.learning_rate"],
        "stroke": ["context.subset"],
        "chart": ["run.params.hparams.batch_size"],
    }
    select = {"options": [metric_option("loss", 0)], **search(query)}
    return link("metrics", grouping=grouping, select=select)


def params_link(query: str) -> str:
    """Parallel coordinates of learning rate, batch size and the last F1."""
    params = ("hparams.learning_rate", "hparams.batch_size")
    options = [param_option(name, index) for index, name in enumerate(params)]
    options.append(metric_option("f1", len(options), context={"subset": "eval"}))
    grouping = {"color": ["run.params.hparams.learning_rate"]}
    return link("params", grouping=grouping, select={"options": options, **search(query)})


def texts_link(query: str) -> str:
    """Questions and answers side by side: a row a passage and question, a column a name."""
    ranges = {
        "isApplyButtonDisabled": True,
        "isValid": True,
        "record": {"slice": [0, 50], "density": 50},
        "index": {"slice": [0, 0], "density": 5},
    }
    selections = [metric_option(name, index) for index, name in enumerate(("question", "answer"))]
    form = {"simpleInput": query, "selections": selections, "advancedModeOn": False}
    groupings = {
        "rows": {"fields": ["texts.context.context", "record.step"], "orders": ["asc", "asc"]},
        "columns": {"fields": ["texts.name"], "orders": ["desc"]},
    }
    return link("text", query={"form": form, "ranges": ranges}, groupings=groupings)


def search(query: str) -> dict[str, Any]:
    return {"query": query, "advancedMode": False, "advancedQuery": ""}


def metric_option(name: str, index: int, context: dict[str, str] | None = None) -> dict[str, Any]:
    label = name if context is None else " ".join((name, *context.values()))
    return {
        "label": label,
        "group": name,
        "type": "metrics",
        "color": COLORS[index],
        "key": label,
        "value": {"option_name": name, "context": context},
    }


def param_option(name: str, index: int) -> dict[str, Any]:
    color = COLORS[index]
    return {"label": name, "key": name, "group": "Params", "type": "params", "color": color}


def link(page: str, **state: dict[str, Any]) -> str:
    """Aim's deep link: each part of a page's state, encoded as a parameter of the address."""
    return f"/{page}?" + "&".join(f"{key}={encode(value)}" for key, value in state.items())


def encode(value: dict[str, Any]) -> str:
    # Aim decodes with JavaScript's decodeURI, which leaves these characters' escapes as they are.
    text = quote(json.dumps(value), safe=";,/?:@&=+$#-_.!~*'()")
    return "O-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@contextmanager
def aim_ui(repo: Path) -> Iterator[str]:
    """Run Aim's UI while the context lasts; gives its address."""
    port = free_port()
    aim = Path(sys.executable).with_name("aim")
    command = [str(aim), "up", "--repo", str(repo), "--host", "127.0.0.1", "--port", str(port)]
    # A process group of its own: stopping `aim up` alone would leave its server running.
    process = subprocess.Popen(command, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: fetch(f"{address}/api/projects/") is not None, START_TIMEOUT_S)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def wait_for_index(address: str, repo: Path) -> None:
    """Wait until the UI shows every run of the repo: it finds them by a look every few seconds."""
    runs = [folder.name for folder in (repo / ".aim" / "meta" / "chunks").iterdir()]
    started = time.monotonic()
    search = f"{address}/api/runs/search/run/?report_progress=false&limit={len(runs)}"
    wait_for(lambda: mentions_all(fetch(search), runs), INDEX_TIMEOUT_S)
    print(f"{len(runs)} runs indexed {time.monotonic() - started:.1f} s after the UI answered")


def mentions_all(answer: bytes | None, runs: list[str]) -> bool:
    return answer is not None and all(run.encode() in answer for run in runs)


def wait_for(condition: Any, timeout_s: float) -> None:
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
