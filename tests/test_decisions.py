"""Decisions: chosen after the forward pass, and honest about what they have not seen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.qa.calibration import calibration_error, fit_temperature
from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.decisions import Decision
from qa_sweep.qa.example import Example, Reference
from qa_sweep.qa.fitting import Fitting, answer_lengths, first_half
from qa_sweep.qa.thresholds import best_cut

CONTEXT = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"


def candidates_of(*n_best: list[tuple[int, int, float]], null: list[float]) -> Candidates:
    """Return spans of (first word, number of words, score), best first, a list an example."""
    flat = [span for spans in n_best for span in spans]
    first, n_words, score = (np.array([span[i] for span in flat]) for i in range(3))
    return Candidates(
        row_starts=np.append(0, np.cumsum([len(spans) for spans in n_best])),
        score=score.astype(float),
        start_char=(3 * first).astype(np.int32),
        end_char=(3 * (first + n_words) - 1).astype(np.int32),
        n_tokens=n_words.astype(np.int32),
        probability=np.zeros(len(flat)),
        null_score=np.array(null, dtype=float),
        n_windows=np.ones(len(n_best), dtype=np.int64),
    )


def example(name: str, *words: int) -> Example:
    references = tuple(Reference(f"w{word}", 3 * word) for word in words)
    return Example(name, "?", CONTEXT, references)


def chosen(decision: Decision, candidates: Candidates) -> list[str]:
    return candidates.texts(decision.choose(candidates), [CONTEXT] * len(candidates))


TWO = candidates_of([(0, 5, 9.0), (3, 1, 7.0)], [(1, 2, 4.0)], null=[8.0, 4.5])


def test_of_candidates_that_are_short_enough_the_best_counts():
    assert chosen(Decision(5), TWO) == ["w0 w1 w2 w3 w4", "w1 w2"]
    assert chosen(Decision(4), TWO) == ["w3", "w1 w2"]


def test_where_all_that_were_kept_are_too_long_the_best_of_all_counts():
    assert chosen(Decision(1), TWO) == ["w3", "w1 w2"]


def test_no_answer_is_chosen_where_the_margin_is_above_the_threshold():
    # margins: 8 - 9 = -1 and 4.5 - 4 = 0.5; of the shorter span of the first 8 - 7 = 1
    assert chosen(Decision(5, threshold=0.0), TWO) == ["w0 w1 w2 w3 w4", ""]
    assert chosen(Decision(5, threshold=0.5), TWO) == ["w0 w1 w2 w3 w4", "w1 w2"]
    assert chosen(Decision(4, threshold=0.0), TWO) == ["", ""]
    assert chosen(Decision(5, threshold=-2.0), TWO) == ["", ""]


def test_probabilities_are_a_softmax_with_no_answer_by_its_threshold():
    probability, of_nothing = Decision(5, threshold=1.0, temperature=2.0).probabilities(TWO)
    weights = np.exp(np.array([9.0, 7.0, 8.0 - 1.0]) / 2)
    assert probability[:2] == pytest.approx(weights[:2] / weights.sum())
    assert of_nothing[0] == pytest.approx(weights[2] / weights.sum())
    assert probability[2] + of_nothing[1] == pytest.approx(1)


def test_without_threshold_no_answer_has_no_probability_and_a_long_span_neither():
    probability, of_nothing = Decision(4).probabilities(TWO)
    assert probability.tolist() == [0, 1, 1]
    assert of_nothing.tolist() == [0, 0]


def test_an_example_without_candidate_has_no_answer():
    candidates = candidates_of([], [(0, 1, 1.0)], null=[math.inf, 0.0])
    for threshold in (None, 0.0):
        decision = Decision(5, threshold)
        assert decision.choose(candidates).tolist() == [-1, 0]
        assert decision.probabilities(candidates)[1][0] == 1


@st.composite
def many(draw):
    spans = st.tuples(st.integers(0, 4), st.integers(1, 5), st.sampled_from([0.0, 1.0, 2.0, 3.5]))
    n_best = draw(st.lists(st.lists(spans, min_size=1, max_size=4), min_size=1, max_size=10))
    n_best = [sorted(part, key=lambda span: -span[2]) for part in n_best]
    null = draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0]), min_size=10, max_size=10))
    return candidates_of(*n_best, null=null[: len(n_best)])


@given(many(), st.integers(1, 6), st.sampled_from([None, -1.0, 0.0, 2.0]))
def test_the_likeliest_outcome_is_the_chosen_one(candidates, longest, threshold):
    decision = Decision(longest, threshold, temperature=0.7)
    probability, of_nothing = decision.probabilities(candidates)
    for i, which in enumerate(decision.choose(candidates)):
        part = probability[candidates.of(i)]
        assert part.sum() + of_nothing[i] == pytest.approx(1)
        best = of_nothing[i] if which < 0 else probability[which]
        assert best == max(*part, of_nothing[i])


def naive_total(threshold, value, of_nothing, margin):
    pairs = zip(value, of_nothing, margin, strict=True)
    return sum(n if m > threshold else v for v, n, m in pairs)


cuts = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0]),
        st.sampled_from([0.0, 1.0]),
        st.sampled_from([-3.0, -1.0, 0.0, 0.25, 2.0]) | st.floats(-5, 5),
    ),
    min_size=1,
    max_size=12,
)


@given(cuts)
def test_no_threshold_is_better_than_the_one_found(rows):
    value, of_nothing, margin = (np.array(column) for column in zip(*rows, strict=True))
    threshold, total = best_cut(value, of_nothing, margin)
    assert naive_total(threshold, value, of_nothing, margin) == total
    for other in (-10.0, *margin, 10.0):
        assert naive_total(other, value, of_nothing, margin) <= total


def test_of_equally_good_thresholds_the_one_nearest_to_zero_is_taken():
    value, of_nothing = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0, 1.0])
    # Left out above any of these margins but the first: 4 in all. Half-way: 0.5 and 3.
    assert best_cut(value, of_nothing, np.array([-1.0, 2.0, 4.0, 6.0])) == (0.5, 4.0)


def test_halves_are_the_same_in_any_order_and_hold_half_of_each_kind():
    examples = [example(f"id{i}", *([0] if i % 3 else [])) for i in range(30)]
    first = {e.id for e, is_in in zip(examples, first_half(examples), strict=True) if is_in}
    backwards = examples[::-1]
    again = {e.id for e, is_in in zip(backwards, first_half(backwards), strict=True) if is_in}
    assert first == again
    assert len(first) == 15
    assert sum(e.is_answerable for e in examples if e.id in first) == 10


def test_lengths_to_choose_from_begin_with_the_configured_one():
    assert answer_lengths(30) == [30, 21, 15, 11, 8, 5]
    assert answer_lengths(1) == [1]


def split_by(
    n: int, margin_of_answerable: float, seed: int = 0
) -> tuple[Candidates, list[Example]]:
    """Return examples of which every other has no answer; the margin tells which, with noise."""
    random = np.random.default_rng(seed)
    margins = random.normal(0, 1, n) + np.where(np.arange(n) % 2, 6.0, 0.0) + margin_of_answerable
    candidates = candidates_of(*([[(1, 1, 0.0)]] * n), null=margins.tolist())
    return candidates, [example(f"id{i}", *([] if i % 2 else [1])) for i in range(n)]


def test_the_threshold_is_found_where_the_model_itself_is_far_off():
    fitting = Fitting(*split_by(400, margin_of_answerable=5.0), 30)
    assert fitting.scores(fitting.as_configured).f1 == pytest.approx(50, abs=1)
    assert fitting.decision.threshold == pytest.approx(8, abs=1)
    assert fitting.scores(fitting.cross_fitted).f1 > 99
    report = fitting.report()
    assert report["f1"]["as_configured"] < 51 < 99 < report["f1"]["other_half"]
    assert report["f1"]["cross_fitted"] <= report["f1"]["fitted"]


def test_cross_fitting_does_not_believe_noise():
    # The margin says nothing: no threshold is worth more than the larger kind, 50 of 100. Fitted on
    # all questions it looks better than that; the questions that it has not seen say otherwise.
    random = np.random.default_rng(3)
    gaps = []
    for _ in range(40):
        candidates = candidates_of(*([[(1, 1, 0.0)]] * 40), null=random.normal(0, 1, 40).tolist())
        fitting = Fitting(
            candidates, [example(f"{i}", *([] if i % 2 else [1])) for i in range(40)], 9
        )
        report = fitting.report()["f1"]
        gaps.append((report["fitted"] - 50, report["cross_fitted"] - 50))
    fitted, cross_fitted = np.mean(gaps, axis=0)
    assert fitted > 5
    assert abs(cross_fitted) < 3


def test_each_half_is_scored_by_the_threshold_of_the_other():
    candidates, examples = split_by(60, margin_of_answerable=2.0, seed=5)
    fitting = Fitting(candidates, examples, 30)
    is_first = first_half(examples)
    for part in (is_first, ~is_first):
        rows = np.flatnonzero(~part)
        null = candidates.null_score[rows].tolist()
        other = Fitting(
            candidates_of(*([[(1, 1, 0.0)]] * len(rows)), null=null),
            [examples[i] for i in rows],
            30,
        )
        expected = other.decision.choose(candidates)[part]
        assert ((expected < 0) == (fitting.cross_fitted.which[part] < 0)).all()


def test_where_each_question_has_an_answer_only_the_length_is_chosen():
    # The best by score is nine words, of which one is the answer.
    n_best = [(0, 9, 5.0), (1, 1, 4.0)]
    candidates = candidates_of(*([n_best] * 50), null=[9.0] * 50)
    fitting = Fitting(candidates, [example(f"id{i}", 1) for i in range(50)], 30)
    assert fitting.decision.threshold is None
    assert fitting.decision.max_answer_length == 8
    assert fitting.scores(fitting.as_configured).exact_match == 0
    assert fitting.scores(fitting.cross_fitted).exact_match == 100


def test_a_length_that_helps_one_half_alone_is_not_taken():
    # Of two questions, one in each half, one is right with short answers and the other with long.
    candidates = candidates_of([(0, 9, 5.0), (1, 1, 4.0)], [(0, 9, 5.0), (1, 1, 4.0)], null=[0, 0])
    long = Example("long", "?", CONTEXT, (Reference("w0 w1 w2 w3 w4 w5 w6 w7", 0),))
    fitting = Fitting(candidates, [example("short", 1), long], 30)
    assert fitting.decision.max_answer_length == 30


def test_a_length_that_gains_nothing_stays_as_configured():
    candidates = candidates_of(*([[(1, 1, 4.0), (0, 9, 1.0)]] * 9), null=[0.0] * 9)
    fitting = Fitting(candidates, [example(f"id{i}", 1) for i in range(9)], 30)
    assert fitting.decision.max_answer_length == 30


@pytest.mark.parametrize("words", [[], [1]])
def test_one_question_is_enough_to_go_on(words):
    fitting = Fitting(candidates_of([(1, 1, 2.0)], null=[1.0]), [example("only", *words)], 30)
    report = fitting.report()
    assert report["f1"]["as_configured"] == report["f1"]["cross_fitted"]
    assert math.isfinite(report["temperature"])


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 4.0])
def test_the_temperature_that_made_the_answers_is_found(true_temperature):
    random = np.random.default_rng(1)
    scores = -np.sort(-random.normal(0, 4, (5000, 6)), axis=1)
    weights = np.exp(scores / true_temperature)
    confidence = weights[:, 0] / weights.sum(axis=1)
    right = (random.random(5000) < confidence).astype(float)
    deficits = scores[:, :1] - scores
    assert fit_temperature(deficits, right) == pytest.approx(true_temperature, rel=0.1)


def test_a_split_without_errors_asks_for_no_certainty():
    deficits = np.tile([0.0, 2.0], (10, 1))
    temperature = fit_temperature(deficits, np.ones(10))
    # Platt's target for ten of ten is 11/12.
    assert 1 / (1 + math.exp(-2 / temperature)) == pytest.approx(11 / 12, abs=0.01)


def test_calibration_error_by_hand():
    # Bin 0.9: confidence 0.95 twice, right once: gap 0.45 of half the answers. Bin 0.2: 0.25, never
    # right, gap 0.25 of the other half.
    confidence, right = np.array([0.95, 0.95, 0.25, 0.25]), np.array([1.0, 0, 0, 0])
    assert calibration_error(confidence, right) == pytest.approx(0.45 / 2 + 0.25 / 2)
    assert calibration_error(np.ones(3), np.ones(3)) == 0
