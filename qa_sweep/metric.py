"""The scores of `qa.scores` as an `evaluate.Metric`, for those who work with that library.

Nothing else imports `evaluate`, which takes seconds; and nothing is fetched from the hub.
"""

from typing import Any

import datasets
import evaluate

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


class SquadScores(evaluate.Metric):
    """Exact match and F1 with the input and output of evaluate's own `squad` metric."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        answer = {"text": text, "answer_start": datasets.Value("int32")}
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation=CITATION,
            inputs_description=INPUTS,
            features=datasets.Features(
                {
                    "predictions": {"id": text, "prediction_text": text},
                    "references": {"id": text, "answers": datasets.Sequence(answer)},
                }
            ),
        )

    def _compute(
        self, predictions: list[dict[str, Any]], references: list[dict[str, Any]]
    ) -> dict[str, float]:
        scores = score(
            {prediction["id"]: prediction["prediction_text"] for prediction in predictions},
            {reference["id"]: reference["answers"]["text"] for reference in references},
        )
        return {"exact_match": scores.exact_match, "f1": scores.f1}
