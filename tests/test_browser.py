"""Aim's own pages, in a real browser, show the views of a real sweep."""

from collections.abc import Iterator

import pytest
from browsing import LINE, Ui, opened
from conftest import run

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking.bookmarks import make_views
from qa_sweep.tracking.reader import read_names, repo_folder

pytestmark = pytest.mark.browser

SWEEP = [
    "data.n_train=200",
    "data.n_eval=40",
    "trainer.epochs=2",
    "trainer.logging_steps=4",
    "hydra.sweeper.n_workers=2",
]
LOSSES = "Loss curves"
SCORES = "Exact match and F1 by step"
PARAMS = "Params and best results"
TEXTS = "Questions and answers"


@pytest.fixture(scope="module")
def ui(tmp_path_factory) -> Iterator[Ui]:
    """The repo of a sweep of six trials."""
    folder = tmp_path_factory.mktemp("swept")
    result = run(["-m", "qa_sweep", "-m", *SWEEP], folder)
    assert result.returncode == 0, result.stderr
    study = read_names(repo_folder(str(folder)))[0].experiment
    make_views(TrackingConfig(repo=str(folder)), study)
    with opened(folder, study) as ui:
        yield ui


def from_link(ui: Ui, title: str) -> None:
    ui.open(ui.links[title])


def from_bookmarks(ui: Ui, title: str) -> None:
    ui.open("/bookmarks")
    (card,) = (card for card in ui.wait_for(".BookmarkCard", at_least=3) if title in card.text)
    card.find_element("css selector", "a").click()


both_ways = pytest.mark.parametrize("open_view", [from_link, from_bookmarks])


def test_six_runs_are_listed_as_complete(ui) -> None:
    ui.open("/runs")
    ui.wait_for("a[href*='/runs/']", at_least=6)
    assert ui.text.count("complete") >= 6


@both_ways
def test_each_run_has_a_train_and_an_eval_loss_in_the_chart_of_its_batch_size(
    ui, open_view
) -> None:
    open_view(ui, LOSSES)
    assert len(ui.wait_for(LINE, at_least=12)) == 12
    ui.wait_for_text("run.hparams.batch_size=16", "run.hparams.batch_size=32")
    assert {"0.00004", "0.0004", "0.004"} <= legend(ui, "COLORS")
    assert {'"eval"', '"train"'} <= legend(ui, "STROKE STYLES")
    assert [len(chart.find_elements("css selector", LINE)) for chart in charts(ui)] == [6, 6]


@both_ways
def test_exact_match_and_f1_have_a_chart_each_with_a_curve_a_run(ui, open_view) -> None:
    open_view(ui, SCORES)
    assert len(ui.wait_for(LINE, at_least=12)) == 12
    ui.wait_for_text('metric.name="exact_match"', 'metric.name="f1"', "Steps")
    assert {"0.00004", "0.0004", "0.004", "16", "32"} <= legend(ui, "COLORS")
    assert [len(chart.find_elements("css selector", LINE)) for chart in charts(ui)] == [6, 6]


@both_ways
def test_params_and_best_results_are_axes_and_a_run_a_line(ui, open_view) -> None:
    open_view(ui, PARAMS)
    assert len(ui.wait_for(LINE, at_least=6)) == 6
    axes = [axis.text for axis in ui.found(".Axis .xAxisLabel")]
    assert axes == ["hparams.learning_rate", "hparams.batch_size", "best.loss", "best.f1"]


def test_each_question_is_shown_with_its_answer_and_reference(ui) -> None:
    from_link(ui, TEXTS)
    ui.wait_for(".TextBox", at_least=6)
    for name in ("question", "answer", "reference"):
        ui.wait_for_text(f'texts.name="{name}"')
    assert "texts.context.context=" in ui.text
    assert "record.step=" in ui.text
    assert any(box.text.endswith("?") for box in ui.found(".TextBox"))


def charts(ui: Ui) -> list:
    return ui.found(".LineChart")


def legend(ui: Ui, title: str) -> set[str]:
    """The words below a title of the legend."""
    return set(ui.text.partition(title)[2].split())
