"""Fitting: a decision chosen on held-out questions, and scored on questions it has not seen.

The questions are cut into two halves. The decision fitted on one half is scored on the other, and
the other way round, so that each question is scored by a decision that did not see its reference
(cross-fitting). For use, the decision is fitted on all of them.

Shapes
    n_examples   held-out examples
    n_lengths    longest answers to choose from, the configured one first
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.calibration import calibration_error, fit_temperature, odds_against
from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.decisions import Decision, best_within, margins
from qa_sweep.qa.example import Example
from qa_sweep.qa.scores import Rules, Scorer, Scores, percent
from qa_sweep.qa.thresholds import best_cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

N_LENGTHS = 6  # each shorter by the square root of 2 than the one before: 30, 21, 15, 11, 8, 5


@dataclass(frozen=True, eq=False)
class _Options:
    """What each longest answer would give, all but `of_nothing` (n_lengths, n_examples)."""

    lengths: list[int]
    which: Ints  # candidate
    margin: Floats
    exact: Floats
    f1: Floats
    of_nothing: Floats  # (n_examples,), what an example gives that is left unanswered


@dataclass(frozen=True, eq=False)
class Verdict:
    """What one decision, or one a half, makes of the examples; all arrays (n_examples,)."""

    which: Ints  # candidate, -1 for no answer
    span: Ints  # candidate, were there an answer
    exact: Floats
    f1: Floats
    no_answer: Floats  # margin less threshold: above 0 there is no answer

    def where(self, condition: Bools, other: "Verdict") -> "Verdict":
        """Return this verdict where `condition` (n_examples,) holds, and `other` elsewhere."""
        return Verdict(
            which=np.where(condition, self.which, other.which),
            span=np.where(condition, self.span, other.span),
            exact=np.where(condition, self.exact, other.exact),
            f1=np.where(condition, self.f1, other.f1),
            no_answer=np.where(condition, self.no_answer, other.no_answer),
        )


class Fitting:
    """The decision for the n-best of held-out examples, and how good it is."""

    def __init__(
        self, candidates: Candidates, examples: Sequence[Example], max_answer_length: int
    ) -> None:
        self._candidates = candidates
        self._examples = examples
        self._configured = Decision(max_answer_length)
        if not all(example.is_answerable for example in examples):
            self._configured = replace(self._configured, threshold=0.0)

    @property
    def may_have_no_answer(self) -> bool:
        return self._configured.threshold is not None

    @cached_property
    def decision(self) -> Decision:
        """Fitted on all examples; a length alone must have helped those that it had not seen."""
        fitted = self._fit(self._all)
        if not self.may_have_no_answer and not self._helps:
            fitted = self._configured
        return self._with_temperature(fitted, self._all)

    @property
    def _helps(self) -> bool:
        return percent(self.cross_fitted.f1) > percent(self.as_configured.f1)

    @cached_property
    def as_configured(self) -> Verdict:
        """Of the longest answer configured and threshold 0, which is what the model itself says."""
        return self._apply(self._configured)

    @cached_property
    def cross_fitted(self) -> Verdict:
        """Of each half by the decision fitted on the other."""
        first, second = (self._apply(decision) for decision in self._by_half)
        return first.where(~self._is_first, second)

    @property
    def references(self) -> list[list[str]]:
        return [[gold.text for gold in example.references] for example in self._examples]

    def scores(self, verdict: Verdict) -> Scores:
        ids = tuple(example.id for example in self._examples)
        return Scores(percent(verdict.exact), percent(verdict.f1), ids, verdict.exact, verdict.f1)

    def report(self) -> dict[str, Any]:
        """The decision, what it gives by which way of counting, and how calibrated it is."""
        fitted, unseen = self._apply(self.decision), ~self._is_first
        ways = {
            "as_configured": (self.as_configured, self._all),
            "fitted": (fitted, self._all),  # too good: scored where it was fitted
            "other_half": (self.cross_fitted, unseen if unseen.any() else self._all),
            "cross_fitted": (self.cross_fitted, self._all),
        }
        return {
            **self.decision.plain(),
            "n_questions": len(self._examples),
            "exact_match": {name: percent(v.exact[part]) for name, (v, part) in ways.items()},
            "f1": {name: percent(v.f1[part]) for name, (v, part) in ways.items()},
            "calibration_error": self._calibration_errors(),
        }

    @cached_property
    def _all(self) -> Bools:
        return np.ones(len(self._examples), dtype=bool)

    @cached_property
    def _is_first(self) -> Bools:
        return first_half(self._examples)

    @cached_property
    def _by_half(self) -> tuple[Decision, Decision]:
        """The decisions fitted on the first half and on the second."""
        return self._fit(self._is_first), self._fit(~self._is_first)

    @cached_property
    def _options(self) -> _Options:
        rules = Rules.v2 if self.may_have_no_answer else Rules.v1
        scorer = Scorer(self.references, rules)
        lengths = answer_lengths(self._configured.max_answer_length)
        which = np.stack([best_within(self._candidates, length) for length in lengths])
        exact, f1 = np.zeros(which.shape), np.zeros(which.shape)
        for nth, chosen in enumerate(which):
            is_new = self._all if nth == 0 else chosen != which[nth - 1]
            if nth:
                exact[nth], f1[nth] = exact[nth - 1], f1[nth - 1]
            texts = self.texts(chosen)
            for i in np.flatnonzero(is_new).tolist():
                exact[nth, i], f1[nth, i] = scorer.score(i, texts[i])
        margin = np.stack([margins(self._candidates, chosen) for chosen in which])
        return _Options(lengths, which, margin, exact, f1, scorer.of_nothing())

    def texts(self, which: Ints) -> list[str]:
        return self._candidates.texts(which, [example.context for example in self._examples])

    def _fit(self, among: Bools) -> Decision:
        """Return the decision with the highest F1 on the examples `among` (n_examples,).

        Of equal ones the longest answers, then the threshold nearest to 0.
        """
        options = self._options
        if not among.any():
            return self._configured
        if not self.may_have_no_answer:
            best = int(np.argmax([np.cumsum(f1)[-1] for f1 in options.f1[:, among]]))
            return Decision(options.lengths[best])
        cuts = [
            best_cut(f1, options.of_nothing[among], margin)
            for f1, margin in zip(options.f1[:, among], options.margin[:, among], strict=True)
        ]
        best = int(np.argmax([total for _, total in cuts]))
        return Decision(options.lengths[best], cuts[best][0])

    def _apply(self, decision: Decision) -> Verdict:
        options = self._options
        nth = options.lengths.index(decision.max_answer_length)
        which, exact, f1 = options.which[nth], options.exact[nth], options.f1[nth]
        if decision.threshold is None:
            return Verdict(which, which, exact, f1, options.margin[nth])
        no_answer = options.margin[nth] - decision.threshold
        is_left = options.margin[nth] > decision.threshold
        return Verdict(
            which=np.where(is_left, -1, which),
            span=which,
            exact=np.where(is_left, options.of_nothing, exact),
            f1=np.where(is_left, options.of_nothing, f1),
            no_answer=no_answer,
        )

    def _with_temperature(self, decision: Decision, among: Bools) -> Decision:
        right = self._apply(decision).exact[among]
        deficits = decision.deficits(self._candidates)[among]
        return replace(decision, temperature=fit_temperature(deficits, right))

    def _calibration_errors(self) -> dict[str, float]:
        """Of the probability as it is, and of that under the other half's temperature."""
        errors = {
            "as_configured": calibration_error(
                self._confidence(self._configured), self.as_configured.exact
            )
        }
        first, second = (
            self._with_temperature(decision, part)
            for decision, part in zip(self._by_half, (self._is_first, ~self._is_first), strict=True)
        )
        confidence = np.where(self._is_first, self._confidence(second), self._confidence(first))
        return {**errors, "cross_fitted": calibration_error(confidence, self.cross_fitted.exact)}

    def _confidence(self, decision: Decision) -> Floats:
        deficits = decision.deficits(self._candidates)
        return 1.0 / (1.0 + odds_against(deficits, decision.temperature))


def first_half(examples: Sequence[Example]) -> Bools:
    """Return which examples make the first half, the same whatever their order, (n_examples,).

    Every other one by the checksum of its id, of those with an answer and of those without.
    """
    is_first = np.zeros(len(examples), dtype=bool)
    for is_answerable in (True, False):
        part = [i for i, e in enumerate(examples) if e.is_answerable == is_answerable]
        part.sort(key=lambda i: (zlib.crc32(examples[i].id.encode("utf-8", "replace")), i))
        is_first[part[::2]] = True
    return is_first


def answer_lengths(longest: int) -> list[int]:
    """Return the longest answers to choose from, in tokens, `longest` first."""
    lengths = [round(longest * 2 ** (-nth / 2)) for nth in range(N_LENGTHS)]
    return list(dict.fromkeys(max(length, 1) for length in lengths))
