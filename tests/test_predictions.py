"""Predictions: what is kept of the best evaluation, and of each; and the decision that is used."""

import json

import numpy as np
import pyarrow.parquet
import pytest
from test_decisions import CONTEXT, candidates_of, example
from training_helpers import DATA, EVALUATION, make_trainer

from qa_sweep.ask import Answerer
from qa_sweep.config import EvaluationConfig
from qa_sweep.data import load_examples
from qa_sweep.data.preparation import prepare
from qa_sweep.evaluation import Evaluation, evaluate, judge
from qa_sweep.model import load_reader
from qa_sweep.predictions import save_evaluation, save_predictions
from qa_sweep.qa.decisions import Decision
from qa_sweep.qa.example import Example

EXAMPLES = [example("a", 1, 2), example("b"), example("c", 4)]


@pytest.fixture
def evaluation() -> Evaluation:
    candidates = candidates_of(
        [(1, 1, 5.0), (0, 3, 4.0)], [(2, 1, 1.0)], [(3, 2, 6.0)], null=[0.0, 9.0, -1.0]
    )
    return judge(candidates, 0.5, EXAMPLES, max_answer_length=30)


def test_each_candidate_is_kept_with_where_it_stands(evaluation, tmp_path):
    save_predictions(tmp_path / "predictions.parquet", evaluation, EXAMPLES)
    rows = pyarrow.parquet.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert [row["answer"] for row in rows] == evaluation.answers
    assert [row["references"] for row in rows] == [["w1", "w2"], [], ["w4"]]
    assert [row["null_score"] for row in rows] == [0.0, 9.0, -1.0]
    assert [row["n_windows"] for row in rows] == [1, 1, 1]
    assert [len(row["n_best"]) for row in rows] == [2, 1, 1]
    assert [span["score"] for span in rows[0]["n_best"]] == [5.0, 4.0]
    for row in rows:
        for span in row["n_best"]:
            assert CONTEXT[span["start"] : span["end"]] == span["text"]
            assert span["n_tokens"] == len(span["text"].split())


def test_evaluations_are_read_as_one_table_in_the_order_of_their_steps(evaluation, tmp_path):
    for step in (1000, 90, 90):  # a run that went on makes one evaluation again
        save_evaluation(tmp_path, EXAMPLES, step, evaluation)
    table = pyarrow.parquet.read_table(tmp_path / "evaluations").to_pydict()
    assert table["step"] == [90, 90, 90, 1000, 1000, 1000]
    assert table["id"] == ["a", "b", "c"] * 2
    assert table["answer"][:3] == evaluation.answers
    assert table["f1"][:3] == evaluation.scores.f1_by_question.tolist()


def test_where_each_question_has_an_answer_the_best_candidate_is_scored():
    examples = [example("a", 1), example("c", 4)]
    candidates = candidates_of([(1, 1, 5.0)], [(0, 9, 6.0), (4, 1, 5.5)], null=[9.0, 9.0])
    evaluation = judge(candidates, 0.5, examples, max_answer_length=30)
    assert evaluation.answers == ["w1", "w0 w1 w2 w3 w4 w5 w6 w7 w8"]
    assert evaluation.metrics == {"exact_match": 50, "f1": evaluation.scores.f1, "loss": 0.5}
    assert evaluation.squad_v2() is None


@pytest.fixture(scope="module")
def with_unanswerable(tmp_path_factory):
    """Return a reader and examples, every other of which is asked about a context of others."""
    trainer = make_trainer(tmp_path_factory.mktemp("trainer"))
    examples = load_examples(DATA).eval
    mixed = [
        e if i % 2 else Example(e.id, e.question, examples[i - 1].context)
        for i, e in enumerate(examples)
    ]
    return trainer._reader, mixed


def test_an_evaluation_with_unanswerable_questions_is_cross_fitted(with_unanswerable):
    reader, examples = with_unanswerable
    windows = prepare(examples, reader.tokenizer, DATA.max_length, DATA.doc_stride, True)
    evaluation = evaluate(reader, windows, examples, EVALUATION)
    cross_fitted = evaluation.fitting.cross_fitted
    assert evaluation.answers == evaluation.fitting.texts(cross_fitted.which)
    assert evaluation.scores.f1_by_question.tolist() == cross_fitted.f1.tolist()
    metrics, official = evaluation.metrics, evaluation.squad_v2()
    for ours, theirs in {
        "f1": "f1",
        "exact_match": "exact",
        "has_answer_f1": "HasAns_f1",
        "no_answer_f1": "NoAns_f1",
    }.items():
        assert metrics[ours] == official[theirs]
    assert official["best_f1"] >= official["f1"]
    assert json.loads(json.dumps(evaluation.fitting.report()))["n_questions"] == len(examples)


def test_the_decision_is_kept_with_the_model_and_used_when_it_is_asked(with_unanswerable, tmp_path):
    reader, examples = with_unanswerable
    asked = examples[1]
    for threshold, says_nothing in ((-1e6, True), (1e6, False), (None, False)):
        reader.set_decision(Decision(3, threshold, temperature=2.0))
        reader.save(tmp_path / "model")
        loaded = load_reader(str(tmp_path / "model"))
        assert loaded.decision == Decision(3, threshold, 2.0)
        answers = Answerer(loaded).ask(asked.question, asked.context)
        assert (answers[0].text == "") == says_nothing
        assert any(answer.text == "" for answer in answers) == (threshold is not None)
        assert sum(answer.probability for answer in answers) == pytest.approx(1)
        assert max(len(answer.text.split()) for answer in answers) <= 3


def test_a_longest_answer_that_is_asked_for_goes_before_the_decisions(with_unanswerable):
    reader, examples = with_unanswerable
    reader.set_decision(Decision(1))
    config = EvaluationConfig(max_answer_length=30, n_best=200)
    answers = Answerer(reader, config).ask(examples[1].question, examples[1].context)
    assert np.max([len(answer.text.split()) for answer in answers]) > 1
