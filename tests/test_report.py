"""The report: what came of a real sweep, in the terminal, as CSV and JSON, and as a page."""

import csv
import importlib.util
import io
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_helpers import (
    HOSTILE,
    add_all_outcomes,
    hostile_study,
    results,
    study_of,
    swept_folder,
)

from qa_sweep.report import main

__all__ = ["results", "swept_folder"]

Shown = Callable[..., str]


@pytest.fixture
def shown(results, capsys, monkeypatch) -> Shown:
    """Runs a report that succeeds, and gives what it prints."""
    monkeypatch.setenv("COLUMNS", "200")

    def show(*words: str) -> str:
        assert main(words) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return show


@pytest.fixture
def page(shown, tmp_path) -> Callable[..., "Page"]:
    """Writes a page, and gives what it holds."""

    def write(*words: str) -> Page:
        file = tmp_path / "report.html"
        shown(*words, "--html", str(file))
        return Page.read(file)

    return write


@pytest.fixture(scope="module")
def whole_page(swept_folder) -> "Page":
    """The page of the sweep as it is."""
    file = swept_folder / "report.html"
    words = ["--results", str(swept_folder / "results"), "--repo", str(swept_folder)]
    assert main([*words, "--html", str(file)]) == 0
    return Page.read(file)


class Page(HTMLParser):
    """Elements and text; an element that is closed in the wrong order is an error."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []

    @staticmethod
    def read(file: Path) -> "Page":
        page = Page()
        page.feed(file.read_text(encoding="utf-8"))
        page.close()
        assert page._open == []
        return page

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)


def test_the_terminal_tells_all_that_came_of_a_sweep(shown, results) -> None:
    text = shown()
    study = study_of(results)
    best = study.best_trial
    assert "study swept\n  4 trials: 4 complete; to maximize f1" in text
    first = next(line for line in text.splitlines() if re.match(rf" +{best.number} ", line))
    for part in (r"± *\d", r"\b2\b", r"\bcpu\b", r"\bcomplete\b", r"\d\.\d s"):
        assert re.search(part, first), (part, first)
    assert len(re.findall(r"^  trial \d  [▁▂▃▄▅▆▇█]{2}  [\d.]+ → [\d.]+$", text, re.M)) == 4
    assert re.search(r"^importance of params for f1 \(of 4 trials: a hint\)$", text, re.M)
    assert re.search(r"^  (learning_rate|batch_size) +\d+%", text, re.M)
    assert f"best: results/swept/{best.number}\n" in text
    assert re.search(r"^Trials? .* best", text, re.M)
    assert "http://127.0.0.1:43800/metrics/" in text


def test_trials_that_ended_early_are_told_with_when_and_why(shown, results) -> None:
    add_all_outcomes(results)
    text = shown()
    assert "10 trials: 4 complete, 1 pruned, 1 failed, 1 diverged, 1 infeasible" in text
    assert "trial 4 was pruned after evaluation 2 (epoch 2) with f1 12.5" in text
    for line in ("trial 5 failed: ", "trial 6 has diverged: ", "trial 7 is infeasible: "):
        assert f"{line}RuntimeError: <script>" in text
    assert "[red]" in text
    assert "second line" not in text
    assert not set(text) & {"\x1b", "\u202e"}
    assert re.search(r"^ +8 .*running *$", text, re.M)


def test_only_the_best_are_shown_of_many(shown, results) -> None:
    add_all_outcomes(results)
    text = shown("--top", "2")
    assert "… and 8 more: --top 0 shows all of them" in text
    assert len(re.findall(r"^  trial \d  [▁-█]", text, re.M)) == 2
    assert re.search(r"^ +9 .*waiting", shown("--top", "0"), re.M)


def test_a_terminal_without_blocks_gets_plain_characters(shown, monkeypatch) -> None:
    monkeypatch.setattr("qa_sweep.report.command._console", ascii_console)
    text = shown()
    assert text.isascii()
    assert "+-" in text
    assert re.search(r"^  trial \d  [_.\-~=+*#]{2}  [\d.]+ -> [\d.]+$", text, re.M)


def ascii_console():
    """What prints to a terminal that knows ASCII alone."""
    import sys

    from rich.console import Console

    class Ascii(io.TextIOBase):
        encoding = "ascii"

        def write(self, text: str) -> int:
            text.encode("ascii")
            return sys.stdout.write(text)

    return Console(file=Ascii(), width=160)


def test_the_leaderboard_goes_to_csv_and_json_and_says_the_same_in_both(shown, results) -> None:
    add_all_outcomes(results)
    study = study_of(results)
    text = shown("--csv", "board.csv", "--json", "board.json")
    assert text.endswith("written: board.csv\nwritten: board.json\n")
    rows = list(csv.DictReader(io.StringIO(Path("board.csv").read_text(encoding="utf-8"))))
    (told,) = json.loads(Path("board.json").read_text(encoding="utf-8"))["studies"]
    assert told["verdict"].startswith("Trial")
    assert sum(told["importances"].values()) == pytest.approx(1)
    assert [int(row["trial"]) for row in rows] == [t["trial"] for t in told["trials"]]
    for row, trial in zip(rows, told["trials"], strict=True):
        stored = study.trials[trial["trial"]]
        assert row["outcome"] == trial["outcome"]
        assert trial["params"] == stored.params
        assert float(row["trainer.learning_rate"]) == stored.params["trainer.learning_rate"]
        assert float(row["device_seconds"]) == pytest.approx(trial["device_seconds"])
    best = told["trials"][0]
    metrics = best["metrics"]
    assert metrics["f1_low"] <= metrics["f1"] <= metrics["f1_high"]
    assert (best["epochs"], best["device"], best["evaluations"]) == (2, "cpu", 2)
    assert best["tokens_per_second"] > best["windows_per_second"] > 0
    assert best["step_seconds"] + best["evaluation_seconds"] < best["seconds"]
    assert best["folder"] == f"results/swept/{best['trial']}"
    assert len(best["intermediate_values"]) == 2


def test_standard_output_holds_the_data_alone(shown) -> None:
    rows = list(csv.DictReader(io.StringIO(shown("--csv", "-"))))
    assert len(rows) == 4
    assert len(json.loads(shown("--json", "-"))["studies"][0]["trials"]) == 4


def test_several_studies_are_reported_one_after_the_other(shown, page, results) -> None:
    hostile_study(results)
    name = f"s {HOSTILE}"
    text = shown("swept", "--study", name)
    assert text.index("study swept") < text.index("study s <script>")
    assert len({row["study"] for row in csv.DictReader(io.StringIO(shown("--csv", "-")))}) == 1
    ids = [attributes["id"] for _, attributes in page("swept", name).elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"study-1-leaderboard", "study-2-leaderboard", "study-1-flips"} <= set(ids)


def test_what_a_retried_trial_cost_counts_all_attempts(shown, results) -> None:
    study = study_of(results)
    failed = add_timed(study, seconds=10, retry_of=None, failed=True)
    add_timed(study, seconds=5, retry_of=failed, failed=False)
    trials = json.loads(shown("--json", "-"))["studies"][0]["trials"]
    (retried,) = (trial for trial in trials if trial["trial"] == failed + 1)
    assert failed not in {trial["trial"] for trial in trials}
    assert retried["seconds"] == pytest.approx(5)
    assert retried["device_seconds"] == pytest.approx(15)


def add_timed(study, seconds: float, retry_of: int | None, *, failed: bool) -> int:
    from datetime import timedelta

    from optuna.trial import TrialState, create_trial

    first = study.trials[0]
    trial = create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else 1.0,
        params=first.params,
        distributions=first.distributions,
        user_attrs={} if retry_of is None else {"retry_of": retry_of, "f1": 1.0},
    )
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=seconds)
    study.add_trial(trial)
    return study.trials[-1].number


def test_broken_and_missing_folders_cost_notes_and_nothing_else(shown, results) -> None:
    broken = ["{", json.dumps({"metrics": {}}), None]
    for number, text in enumerate(broken):
        folder = results / "swept" / str(number)
        if text is None:
            shutil.rmtree(folder)
        else:
            (folder / "result.json").write_text(text)
    (results / "swept" / "0" / "predictions.parquet").write_bytes(b"PAR1 nothing")
    text = shown("--html", "page.html")
    assert "the record of 3 complete trials cannot be read (trial " in text
    assert "the answers of " in text
    assert len(re.findall(r"complete *$", text, re.M)) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "study nothing is not in"),
        (["--top", "-1"], "--top must be at least 0, but got -1"),
        (["--csv", "-", "--json", "-"], "name a file"),
        (["a", "b", "--flips", "0", "1"], "--flips and --label-errors take one study"),
        (["--csv", "results/studies.db/x"], "must be a file that can be written"),
        (["--flips", "0", "0"], "flips are between two different trials"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(results, capsys, words, said) -> None:
    assert main(words) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_a_page_without_plotly_is_refused_before_anything_is_read(capsys, monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "qa_sweep.report.page.find_spec", lambda name: None if name == "plotly" else found(name)
    )
    assert main(["--html", "x.html", "--results", "nowhere"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.endswith("pip install 'qa_sweep[report]'")


def test_flips_and_label_errors_are_had_by_the_same_command(shown) -> None:
    assert "alone" in shown("--flips", "0", "1")
    text = shown("--label-errors", "labels.csv")
    assert re.fullmatch(r"\d+ likely label errors? in labels.csv\n", text)
    assert Path("labels.csv").read_text().startswith("id,")


def test_the_page_holds_all_sections_and_figures(whole_page) -> None:
    found = whole_page
    titles = {attributes.get("id") for attributes in found.named("section")}
    assert {"verdict", "leaderboard", "curves", "search", "flips"} <= titles
    figures = {attributes["id"] for attributes in found.named("figure")}
    assert {
        *("curve-loss", "curve-f1", "history", "importances", "slice", "contour"),
        *("parallel-coordinates", "intermediate-values", "timeline"),
    } <= figures
    (data,) = (script for script in found.scripts if script.startswith("[{"))
    assert len(json.loads(data)) == len(figures)
    links = [a["href"] for a in found.named("a") if a["href"].startswith("http")]
    assert sum("/runs/" in link for link in links) == 4
    assert all(link.startswith("http://127.0.0.1:43800/") for link in links)


def test_the_page_can_ask_nobody_for_anything(whole_page) -> None:
    found = whole_page
    (policy,) = (m["content"] for m in found.named("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert not found.named("link") + found.named("img") + found.named("iframe")
    assert not any("src" in attributes for _, attributes in found.elements)


def test_the_page_has_landmarks_headings_and_scopes(whole_page) -> None:
    found = whole_page
    for tag, count in {"header": 1, "main": 1, "footer": 1, "nav": 1, "h1": 1}.items():
        assert len(found.named(tag)) == count
    anchors = {attributes["href"] for attributes in found.named("a")}
    ids = {attributes["id"] for _, attributes in found.elements if "id" in attributes}
    assert "#main" in anchors
    assert {anchor[1:] for anchor in anchors if anchor.startswith("#")} <= ids
    assert all("scope" in attributes for attributes in found.named("th"))


@pytest.mark.parametrize("n_objectives", [1, 3])
def test_nothing_of_a_study_becomes_markup(page, results, n_objectives) -> None:
    hostile_study(results, n_objectives)
    found = page(f"s {HOSTILE}")
    assert len(found.named("script")) == 3
    assert not found.named("img")
    assert not any("onerror" in attributes for _, attributes in found.elements)
    assert "<script>alert(1)</script>" in found.text
    assert not set(found.text) & {"\x1b", "\u202e"}
    (data,) = (script for script in found.scripts if script.startswith("[{"))
    assert not set(data) & {"<", "\u202e"}
    assert "\\u003cscript" not in data, "plotly takes markup in texts for markup"
    fronts = [f for f in found.named("figure") if f["id"].startswith("front-")]
    assert len(fronts) == {1: 0, 3: 3}[n_objectives]
