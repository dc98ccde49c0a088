"""No answer: the metrics of the official SQuAD v2.0 script, beyond exact match and F1.

Written from the published definition: Rajpurkar et al. (2018), "Know What You Don't Know:
Unanswerable Questions for SQuAD", and its official script `evaluate-v2.0.py`. A question's
no-answer score (the script's `na_prob`) is any number that is the higher, the less an answer is
likely; names and quirks of the script are kept, since its numbers are what others report.

Shapes
    n_questions   questions, in the order of the references
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qa_sweep.errors import DataError
from qa_sweep.qa.scores import Rules, percent, score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Order = NDArray[np.int64]


def squad_v2(
    predictions: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    no_answer_scores: Mapping[str, float] | None = None,
    threshold: float = 1.0,
) -> dict[str, float]:
    """Return what the official v2.0 script prints, under its names.

    `exact`, `f1` and `total`, again with `HasAns_` and `NoAns_` where there are such questions.
    With `no_answer_scores`, questions above `threshold` count as left unanswered in these, and
    there are `best_exact`, `best_f1` and their thresholds, and `pr_exact_ap`, `pr_f1_ap` and
    `pr_oracle_ap`, the average precisions, where a question has an answer.
    A question without a prediction scores 0 (the script stops there). Raises DataError where there
    is no question, or a question has no no-answer score.
    """
    scores = score(predictions, references, Rules.v2)
    has_answer = np.array([bool(texts) for texts in references.values()])
    exact, f1 = scores.exact_match_by_question, scores.f1_by_question
    if no_answer_scores is None:
        return by_answerability(exact, f1, has_answer)
    values = _in_order(no_answer_scores, references)
    is_left = values > threshold
    found = by_answerability(
        np.where(is_left, ~has_answer, exact), np.where(is_left, ~has_answer, f1), has_answer
    )
    order = _sorted_as_given(no_answer_scores, references)
    says_something = np.array([bool(predictions.get(question)) for question in references])
    for name, value in (("exact", exact), ("f1", f1)):
        best, best_threshold = best_threshold_of(value, has_answer, says_something, values, order)
        found |= {f"best_{name}": best, f"best_{name}_thresh": best_threshold}
    if has_answer.any():
        for name, value in (("exact", exact), ("f1", f1), ("oracle", has_answer.astype(float))):
            found[f"pr_{name}_ap"] = average_precision(value, has_answer, values, order)
    return found


def by_answerability(exact: Floats, f1: Floats, has_answer: Bools) -> dict[str, float]:
    """Return exact match, F1 and number of all questions, and of those with and without answer.

    All arrays are (n_questions,).
    """
    parts = {"": np.ones_like(has_answer), "HasAns_": has_answer, "NoAns_": ~has_answer}
    found: dict[str, float] = {}
    for prefix, which in parts.items():
        if which.any():
            found[f"{prefix}exact"] = percent(exact[which])
            found[f"{prefix}f1"] = percent(f1[which])
            found[f"{prefix}total"] = int(which.sum())
    return found


def best_threshold_of(
    value: Floats, has_answer: Bools, says_something: Bools, no_answer: Floats, order: Order
) -> tuple[float, float]:
    """Return the best score in percent, and the no-answer score up to which questions are answered.

    `value` (n_questions,) is the score of the prediction, `order` sorts by `no_answer`. As in the
    script, nothing is answered at first (threshold 0), then one question after the other, equal
    ones too; a question without answer loses its point where the prediction is not empty.
    """
    gain = np.where(has_answer, value, np.where(says_something, -1.0, 0.0))[order]
    totals = np.cumsum(np.append(float((~has_answer).sum()), gain))
    best = int(np.argmax(totals))  # the first of equals: only a higher total moves the threshold
    threshold = float(no_answer[order[best - 1]]) if best else 0.0
    return float(100.0 * totals[best] / len(value)), threshold


def average_precision(value: Floats, has_answer: Bools, no_answer: Floats, order: Order) -> float:
    """Return the area under precision over recall in percent, as questions are answered in `order`.

    A point of the curve lies behind each group of equal no-answer scores; what lies between two
    points counts with the precision of the second.
    """
    ranked = no_answer[order]
    correct = np.cumsum(np.where(has_answer, value, 0.0)[order])
    is_point = np.append(ranked[1:] != ranked[:-1], True)
    precision = (correct / np.arange(1, len(order) + 1))[is_point]
    recall = (correct / has_answer.sum())[is_point]
    return float(100.0 * np.cumsum(precision * np.diff(recall, prepend=0.0))[-1])


def _in_order(scores: Mapping[str, float], references: Mapping[str, object]) -> Floats:
    missing = next((question for question in references if question not in scores), None)
    if missing is not None:
        raise DataError(f"each question must have a no-answer score, but {missing!r} has none")
    values = np.array([scores[question] for question in references], dtype=np.float64)
    if np.isnan(values).any():
        raise DataError("no-answer scores must be numbers, but got nan")
    return values


def _sorted_as_given(scores: Mapping[str, float], references: Mapping[str, object]) -> Order:
    """Return the questions by no-answer score; equal ones as `scores` has them, like the script."""
    number = {question: i for i, question in enumerate(references)}
    asked = [question for question in scores if question in number]
    given = np.array([number[question] for question in asked], dtype=np.int64)
    values = np.array([scores[question] for question in asked], dtype=np.float64)
    return given[np.argsort(values, kind="stable")]
