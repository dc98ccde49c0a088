"""The scores of `qa.scores` as an `evaluate.Metric`, for those who work with that library.

Nothing else imports `evaluate`, which takes seconds; and nothing is fetched from the hub.
"""

from typing import Any

import datasets
import evaluate

from qa_sweep.qa.no_answer import squad_v2
from qa_sweep.qa.scores import score

DESCRIPTION = "Exact match and F1 of extractive question answering, as defined for SQuAD."
CITATION = """\
@inproceedings{rajpurkar-etal-2016-squad,
    title = "{SQ}u{AD}: 100,000+ Questions for Machine Comprehension of Text",
    author = "Rajpurkar, Pranav and Zhang, Jian and Lopyrev, Konstantin and Liang, Percy",
    booktitle = "Proceedings of EMNLP 2016",
    year = "2016"
}
"""
INPUTS = """
Args:
    predictions: dictionaries with `id` and `prediction_text`.
    references: dictionaries with `id` and `answers`, which holds the lists `text` and
        `answer_start`; both are empty where the question has no answer.
Returns:
    exact_match and f1, in percent.
"""


INPUTS_V2 = """
Args:
    predictions: dictionaries with `id`, `prediction_text` and `no_answer_probability`.
    references: dictionaries with `id` and `answers`, which holds the lists `text` and
        `answer_start`; both are empty where the question has no answer.
    no_answer_threshold: probability above which a question counts as left unanswered.
Returns:
    what the official v2.0 script prints, under its names.
"""
TEXT = datasets.Value("string")
REFERENCE = {
    "id": TEXT,
    "answers": datasets.Sequence({"text": TEXT, "answer_start": datasets.Value("int32")}),
}

Rows = list[dict[str, Any]]


class SquadScores(evaluate.Metric):
    """Exact match and F1 with the input and output of evaluate's own `squad` metric."""

    def _info(self) -> evaluate.MetricInfo:
        return _info({"id": TEXT, "prediction_text": TEXT}, INPUTS)

    def _compute(self, predictions: Rows, references: Rows) -> dict[str, float]:
        scores = score(_texts(predictions), _golds(references))
        return {"exact_match": scores.exact_match, "f1": scores.f1}


class SquadV2Scores(evaluate.Metric):
    """The official v2.0 script's metrics with the input of evaluate's own `squad_v2` metric."""

    def _info(self) -> evaluate.MetricInfo:
        probability = datasets.Value("float64")  # a float32 would join what the script tells apart
        prediction = {"id": TEXT, "prediction_text": TEXT, "no_answer_probability": probability}
        return _info(prediction, INPUTS_V2)

    def _compute(
        self, predictions: Rows, references: Rows, no_answer_threshold: float = 1.0
    ) -> dict[str, float]:
        no_answer = {row["id"]: row["no_answer_probability"] for row in predictions}
        return squad_v2(_texts(predictions), _golds(references), no_answer, no_answer_threshold)


def _info(prediction: dict[str, Any], inputs: str) -> evaluate.MetricInfo:
    features = datasets.Features({"predictions": prediction, "references": REFERENCE})
    return evaluate.MetricInfo(
        description=DESCRIPTION, citation=CITATION, inputs_description=inputs, features=features
    )


def _texts(predictions: Rows) -> dict[str, str]:
    return {row["id"]: row["prediction_text"] for row in predictions}


def _golds(references: Rows) -> dict[str, list[str]]:
    return {row["id"]: row["answers"]["text"] for row in references}
