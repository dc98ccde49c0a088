"""The metric for evaluate: same input and output as its `squad`, same numbers as `qa.scores`."""

import pytest

from qa_sweep.metric import SquadScores, SquadV2Scores
from qa_sweep.qa.no_answer import squad_v2
from qa_sweep.qa.scores import score


@pytest.fixture
def metric(tmp_path):
    return SquadScores(cache_dir=str(tmp_path), keep_in_memory=True)


def prediction(name: str, text: str) -> dict[str, str]:
    return {"id": name, "prediction_text": text}


def reference(name: str, *texts: str) -> dict[str, object]:
    return {"id": name, "answers": {"text": list(texts), "answer_start": [0] * len(texts)}}


def test_metric_gives_the_scores_in_percent(metric):
    found = metric.compute(
        predictions=[prediction("a", "the cat"), prediction("b", "black dog")],
        references=[reference("a", "Cat", "dog"), reference("b", "dog")],
    )
    expected = score({"a": "the cat", "b": "black dog"}, {"a": ["Cat", "dog"], "b": ["dog"]})
    assert found == {"exact_match": expected.exact_match, "f1": expected.f1}


def test_metric_takes_batches_and_questions_without_an_answer(metric):
    metric.add_batch(predictions=[prediction("a", "")], references=[reference("a")])
    metric.add_batch(predictions=[prediction("b", "x")], references=[reference("b", "y")])
    assert metric.compute() == {"exact_match": 50.0, "f1": 50.0}


def test_metric_pairs_by_id_and_not_by_place(metric):
    found = metric.compute(
        predictions=[prediction("b", "two"), prediction("a", "one")],
        references=[reference("a", "one"), reference("b", "two")],
    )
    assert found == {"exact_match": 100.0, "f1": 100.0}


def test_the_v2_metric_gives_what_the_v2_script_says(tmp_path):
    metric = SquadV2Scores(cache_dir=str(tmp_path), keep_in_memory=True)
    texts, no_answer = {"a": "cat", "b": "dog"}, {"a": 0.1, "b": 0.9}
    golds = {"a": ["the cat"], "b": []}
    found = metric.compute(
        predictions=[
            {**prediction(name, text), "no_answer_probability": no_answer[name]}
            for name, text in texts.items()
        ],
        references=[reference(name, *answers) for name, answers in golds.items()],
        no_answer_threshold=0.5,
    )
    assert found == squad_v2(texts, golds, no_answer, threshold=0.5)
    assert found["exact"] == found["best_exact"] == 100
