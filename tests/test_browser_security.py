"""Markup in what a run says is shown by Aim's pages, and never run by them.

Aim's UI runs markup that it finds in log lines, in params and errors at the axes of the Params
explorer and, by a word in the address, in texts. Each payload leaves its name in the browser's
storage if it is run, be it a page later.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Ui, opened

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import AnsweredQuestion, Outcome, open_tracker
from qa_sweep.tracking.bookmarks import make_views
from qa_sweep.tracking.links import encode
from qa_sweep.tracking.reader import read_names, repo_folder
from qa_sweep.tracking.views import views

pytestmark = pytest.mark.browser

TABS = ("overview", "run_parameters", "logs", "messages", "metrics", "system", "texts", "settings")
RENDERERS = ("text", "html", "markdown", "code")
MARK = "localStorage.ran=`{}`"
# (An image in Markdown is left out: the Text explorer's page fails at any.)
KINDS = (
    "<img src=x onerror={}>",
    "<script>{}</script>",
    "<svg onload={}></svg>",
    "[a link](javascript:{})",
    "' onmouseover='{}' data-rest='",
    """'"><img src="x" onerror="{}">""",
)


def payload(name: str) -> str:
    """Text that leaves `name` in the browser's storage wherever it is taken for markup."""
    mark = MARK.format(name.replace(" ", "-"))
    return " ".join((name, *(kind.format(mark) for kind in KINDS)))


STUDY = payload("study")


@pytest.fixture(scope="module")
def ui(tmp_path_factory) -> Iterator[Ui]:
    """A repo with a run in which all that may hold a payload holds one."""
    folder = tmp_path_factory.mktemp("hostile")
    track_payloads(folder)
    (run,) = read_names(repo_folder(str(folder)))
    tag_and_show_unescaped(folder, run.hash)
    make_views(TrackingConfig(repo=str(folder)), STUDY)
    with opened(folder, STUDY) as ui:
        ui.links["run"] = f"/runs/{run.hash}"
        yield ui


def track_payloads(folder: Path) -> None:
    tracker = open_tracker(
        TrackingConfig(repo=str(folder)),
        experiment=STUDY,
        run_name=payload("run"),
        folder=folder / "runs" / "0",
    )
    texts = map(payload, ("question", "context", "answer", "reference"))
    hparams = {"optimizer": payload("param"), payload("param name"): 1}
    tracker.set_params({"hparams": hparams, "best": {"loss": 1.0, "f1": 50.0}})
    tracker.track_questions([AnsweredQuestion(*texts)])
    for line in (payload("log line"), "\x1b[31m" + payload("coloured line") + "\x1b[0m"):
        logging.getLogger("hostile").warning(line)
    tracker.close(Outcome.failed, error=payload("error"))


def tag_and_show_unescaped(folder: Path, run_hash: str) -> None:
    """A tag as only a user makes one; and, in a run of its own, a text as Aim's SDK stores it."""
    from aim import Repo, Run, Text

    repo = Repo.from_path(str(folder))
    run = Run(run_hash, repo=repo, system_tracking_interval=None, capture_terminal_logs=False)
    run.add_tag(payload("tag"))
    run.close()
    plain = Run(
        repo=repo, experiment="plain", system_tracking_interval=None, capture_terminal_logs=False
    )
    plain.track(Text(payload("plain")), name="question", step=0, context={"context": "plain"})
    plain.close()


def test_a_payload_that_is_not_escaped_is_run(ui) -> None:
    ui.open(text_page("plain", "html"))
    ui.wait_for(".TextBox")
    assert ran(ui) == "plain"


@pytest.mark.parametrize("renderer", RENDERERS)
def test_no_renderer_of_the_text_explorer_runs_a_text(ui, renderer: str) -> None:
    ui.open(text_page(STUDY, renderer))
    ui.wait_for(".TextBox", at_least=3)
    shown = " ".join(box.text for box in ui.found(".TextBox"))
    assert all(name in shown for name in ("question", "answer", "reference"))
    assert_nothing_ran(ui)


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_of_the_run_page_runs_what_the_run_says(ui, tab: str) -> None:
    ui.open(f"{ui.links['run']}/{tab}")
    ui.wait_for_text({"logs": "log line", "run_parameters": "param name"}.get(tab, "run"))
    assert_nothing_ran(ui)


@pytest.mark.parametrize("path", ["/", "/runs", "/bookmarks", "/tags"])
def test_no_page_of_names_and_tags_runs_them(ui, path: str) -> None:
    ui.open(path)
    ui.wait_for_text("tag <img" if path in ("/", "/tags") else "study <img")
    assert_nothing_ran(ui)


def test_no_metrics_view_runs_names(ui) -> None:
    ui.open(ui.links["Loss curves"])
    ui.wait_for_text("run.experiment == 'study <img")
    assert_nothing_ran(ui)


@pytest.mark.parametrize(
    "param", ["hparams.optimizer", f"hparams.{payload('param name')}", "error"]
)
def test_no_axis_of_the_params_explorer_runs_what_it_shows(ui, param: str) -> None:
    ui.open(views(STUDY, [param])[2].address)
    ui.wait_for(".Axis .xAxisLabel")
    assert_nothing_ran(ui)


def text_page(experiment: str, renderer: str) -> str:
    address = views(experiment)[-1].address
    return f"{address}&vis1-c-textRenderer={encode({'type': renderer})}"


def assert_nothing_ran(ui: Ui) -> None:
    time.sleep(2)
    assert ran(ui) is None
    assert not ui.found("a[href^='javascript:'], [onmouseover]")


def ran(ui: Ui) -> str | None:
    """The name of the payload that was run last, if any was since this was asked last."""
    found = ui.driver.execute_script("return localStorage.getItem('ran')")
    ui.driver.execute_script("localStorage.removeItem('ran')")
    return found
