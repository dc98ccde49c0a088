"""Scores: exact match and F1 of predictions, as defined for SQuAD.

Sources
    v1.1  Rajpurkar et al. (2016), "SQuAD: 100,000+ Questions for Machine Comprehension of Text",
          and its official script `evaluate-v1.1.py`
    v2.0  Rajpurkar et al. (2018), "Know What You Don't Know: Unanswerable Questions for SQuAD",
          and its official script `evaluate-v2.0.py`
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qa_sweep.errors import DataError

ARTICLES = re.compile(r"\b(a|an|the)\b")
WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Rules(Enum):
    """Whose definition holds where a text has no word, or a question no reference."""

    v1 = "v1.1"
    v2 = "v2.0"

    @staticmethod
    def of(references: Mapping[str, Sequence[str]]) -> "Rules":
        """v2.0's where a question has no reference, which v1.1 does not know."""
        return Rules.v1 if all(references.values()) else Rules.v2


@dataclass(frozen=True, eq=False)
class Scores:
    """Exact match and F1 in percent, and what each question contributes to them."""

    exact_match: float
    f1: float
    ids: tuple[str, ...]  # questions, in the order of the references
    exact_match_by_question: NDArray[np.float64]  # (n_questions,), 0 or 1
    f1_by_question: NDArray[np.float64]  # (n_questions,), 0 to 1


def score(
    predictions: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    rules: Rules | None = None,
) -> Scores:
    """Score the predicted text of each question against its references, the best of which counts.

    Where every question has a reference, the result equals the v1.1 script's. A question without
    references has no answer, and "" is right; where there is such a question, the result equals
    the v2.0 script's, which also ignores references without a word and gives an F1 to two texts
    without one. `rules` says which holds whatever the references. A question without a prediction
    scores 0; predictions of other questions are ignored. Raises DataError where there is no
    question.
    """
    if not references:
        raise DataError("scores must be taken over at least one question, but got none")
    scorer = Scorer(list(references.values()), rules or Rules.of(references))
    exact, overlap = np.zeros(len(references)), np.zeros(len(references))
    for i, question in enumerate(references):
        if question in predictions:
            exact[i], overlap[i] = scorer.score(i, predictions[question])
    return Scores(percent(exact), percent(overlap), tuple(references), exact, overlap)


class Scorer:
    """Scores texts against the references of questions, which it normalizes once."""

    def __init__(self, references: Sequence[Sequence[str]], rules: Rules) -> None:
        self._golds = [_golds(texts, rules) for texts in references]
        self._of_nothing = float(rules is Rules.v2)

    def score(self, question: int, text: str) -> tuple[float, float]:
        """Return exact match and F1 of a text as the answer to the question of that number."""
        golds, predicted = self._golds[question], normalize_answer(text)
        overlap = max((_f1(predicted, gold, self._of_nothing) for gold in golds), default=0.0)
        return float(predicted in golds), overlap

    def of_nothing(self) -> NDArray[np.float64]:
        """Return the exact match of "" as the answer to each question, (n_questions,)."""
        return np.array(["" in golds for golds in self._golds], dtype=np.float64)


@lru_cache(maxsize=2**16)  # the next evaluation has the same references, and most of the answers
def normalize_answer(text: str) -> str:
    """Return `text` in lower case without ASCII punctuation, articles and superfluous space."""
    text = text.lower().translate(WITHOUT_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", text).split())


def exact_match(prediction: str, reference: str) -> float:
    """Return 1 where both texts are equal after normalization, else 0."""
    return float(normalize_answer(prediction) == normalize_answer(reference))


def f1(prediction: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall over the words of the normalized texts.

    0 where nothing is in common, even if both texts are without a word: so does the v1.1 script.
    """
    return _f1(normalize_answer(prediction), normalize_answer(reference), of_nothing=0.0)


def percent(values: NDArray[np.float64]) -> float:
    """Return 100 times the mean, summed one by one as the scripts do: pairwise sums differ.

    So do Python's own sums from 3.12 on, which carry the rounding along: the v2.0 script gives
    another last digit there than under the Python of its time.
    """
    return float(100.0 * np.cumsum(values)[-1] / len(values))


def _golds(texts: Sequence[str], rules: Rules) -> list[str]:
    golds = list(dict.fromkeys(normalize_answer(text) for text in dict.fromkeys(texts)))
    return golds if rules is Rules.v1 else [gold for gold in golds if gold] or [""]


def _f1(predicted: str, expected: str, of_nothing: float) -> float:
    """Return F1 of normalized texts, and `of_nothing` where both are without a word."""
    if predicted == expected:
        return 1.0 if expected else of_nothing
    found, wanted = predicted.split(), expected.split()
    if set(found).isdisjoint(wanted):  # as of most wrong answers; counting takes longer
        return 0.0
    n_common = sum((Counter(found) & Counter(wanted)).values())
    precision, recall = n_common / len(found), n_common / len(wanted)
    return (2 * precision * recall) / (precision + recall)
