"""The model card: what the hub reads of it, what it shows, and that its code runs as it stands."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from champion_helpers import (  # noqa: F401
    CONFIG,
    LOCAL_STUDY,
    RESULTS,
    STUDY,
    studies,
    studies_folder,
)
from huggingface_hub import ModelCard as HubCard

from qa_sweep.card_usage import CONTEXT, QUESTION, Usage
from qa_sweep.champion.bundle import fill
from qa_sweep.champion.choice import choose
from qa_sweep.champion.scores import mean_scores
from qa_sweep.config import HubData, PretrainedModel, TinyModel
from qa_sweep.model import Reader, load_reader
from qa_sweep.model_card import ModelCard, intervals_of, literal
from qa_sweep.qa.decisions import Decision
from qa_sweep.qa.scores import Scores
from qa_sweep.report.answers import read_scores
from qa_sweep.run_record import RunRecord


def bundle(folder: Path, study: str) -> Path:
    champion = choose(RESULTS, study, None, None)
    folder.mkdir()
    fill(folder, champion, str(folder))
    return folder


def code_of(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card, re.DOTALL)


def run_code(code: str, capsys) -> str:
    exec(compile(code, "card", "exec"), {})
    return capsys.readouterr().out.rstrip("\n")


def test_the_hub_reads_the_metrics_of_a_bundles_card(studies) -> None:  # noqa: F811
    folder = bundle(studies / "best", STUDY)
    record = choose(RESULTS, STUDY, None, None).record
    data = HubCard.load(folder / "README.md").data
    read = data.to_dict()
    assert (read["pipeline_tag"], read["library_name"]) == ("question-answering", "transformers")
    values = {result.metric_type: result.metric_value for result in data.eval_results}
    assert values == {
        "f1": pytest.approx(record.metrics["f1"], abs=1e-4),
        "exact_match": pytest.approx(record.metrics["exact_match"], abs=1e-4),
    }
    assert {result.dataset_type for result in data.eval_results} == {"embedded"}


def test_a_bundles_card_says_how_sure_its_scores_are_and_how_it_was_found(studies) -> None:  # noqa: F811
    card = (bundle(studies / "best", STUDY) / "README.md").read_text()
    (low, value, high) = map(float, _f1_row(card))
    assert low < value < high
    assert f"of study {STUDY} \\(2 of 2 complete\\), which was to maximize f1" in card
    assert re.search(r"Trials? .* best \\\(F1 ", card)
    assert "batch size 16" in card or "batch size 32" in card
    assert "96 questions to train on, 24 held out" in card


def test_a_runs_card_and_a_bundles_say_the_same_of_the_same_answers(studies) -> None:  # noqa: F811
    folder = RESULTS / STUDY / "0"
    ids, by_metric = read_scores(folder)
    scores = Scores(0.0, 0.0, ids, by_metric["exact_match"], by_metric["f1"])
    assert intervals_of(scores) == mean_scores(folder).intervals
    assert intervals_of(scores)["f1"].low < intervals_of(scores)["f1"].high


def _f1_row(card: str) -> tuple[str, str, str]:
    found = re.search(r"\| F1 \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|", card)
    assert found
    return found[2], found[1], found[3]


def test_a_runs_own_card_has_its_scores_and_no_path(studies) -> None:  # noqa: F811
    run = RESULTS / LOCAL_STUDY / "0"
    card = (run / "model" / "README.md").read_text()
    assert f"| F1 | {RunRecord.read(run).metrics['f1']:.2f} |" in card
    assert re.search(r"\| F1 \| [\d.]+ \| [\d.]+ to [\d.]+ \|", card)
    assert "Local file rows.jsonl" in card
    assert "ada.lovelace" not in card
    assert HubCard(card).data.eval_results[0].dataset_name == "a [link](x)"


def test_names_are_shown_as_they_are_and_never_as_markup(studies) -> None:  # noqa: F811
    card = (bundle(studies / "best", LOCAL_STUDY) / "README.md").read_text()
    assert "# tiny on a \\[link\\]\\(x\\)" in card
    assert "with &lt;b&gt;markup&lt;/b&gt; \\*here\\*" in card
    assert "<b>" not in card
    assert literal("a\nb\x1b[2Jc") == "a b\\\\x1b\\[2Jc"


@pytest.mark.parametrize("threshold", [None, 1e6, -1e6])
@pytest.mark.parametrize("mark_overlap", [True, False])
def test_both_ways_of_the_card_give_one_answer(studies, capsys, threshold, mark_overlap) -> None:  # noqa: F811
    reader = load_reader(str(RESULTS / STUDY / "0" / "model"))
    _change(reader, threshold, mark_overlap)
    reader.save(studies / "model")
    usage = Usage(str(studies / "model"), 128, 30, threshold, mark_overlap)
    with_answerer = run_code(usage.with_answerer(), capsys)
    assert run_code(usage.with_transformers(), capsys) == with_answerer
    assert with_answerer in CONTEXT
    assert (with_answerer == "") == (threshold == -1e6)


def _change(reader: Reader, threshold: float | None, mark_overlap: bool) -> None:
    reader.set_decision(Decision(30, threshold))
    reader.model.config.mark_overlap = mark_overlap


def test_the_code_of_a_bundles_card_runs(studies, capsys) -> None:  # noqa: F811
    card = (bundle(studies / "best", LOCAL_STUDY) / "README.md").read_text()
    answers = {run_code(code, capsys) for code in code_of(card)}
    assert len(code_of(card)) == 2
    assert len(answers) == 1
    assert QUESTION in card


def test_a_card_names_the_hubs_models_and_data_and_of_folders_the_end(tmp_path) -> None:
    result = {"metrics": {"f1": 1.0, "exact_match": 0.5, "loss": 2.0}, "model_revision": "abc"}
    data = HubData(name="SQuAD", path="some/set")
    config = replace(CONFIG, data=data, model=PretrainedModel(name="bert", path="some/model"))
    front = HubCard(ModelCard(config, result, 3, False, "x").text()).data
    assert (front.base_model, front.datasets) == ("some/model", ["some/set"])
    local = replace(config, model=PretrainedModel(name="bert", path=str(tmp_path)))
    text = ModelCard(local, result, 3, False, "x").text()
    assert f"From {literal(tmp_path.name)} at abc" in text
    assert str(tmp_path) not in text
    assert HubCard(text).data.base_model is None
    scratch = replace(config, model=TinyModel())
    assert "From scratch" in ModelCard(scratch, result, 3, False, "x").text()
