"""Spans: the n-best equals brute force, batch by batch, whatever the padding."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spans_helpers import LEADING, brute_force, found, on_side, problems, windows_of

from qa_sweep.qa.spans import SpanCollector


def collect(windows, starts, ends, n_best, max_answer_length, side="right", batches=None):
    """Return the candidates of unpadded-left logits, moved to `side`, in the given batches."""
    collector = SpanCollector(windows, n_best, max_answer_length, side)
    for rows in batches if batches is not None else [range(len(windows))]:
        collector.add(rows, *(on_side(windows, rows, logits, side) for logits in (starts, ends)))
    return collector.finish()


@given(problems(), st.integers(1, 30), st.integers(1, 8), st.sampled_from(["left", "right"]))
def test_n_best_equals_brute_force(problem, n_best, max_answer_length, side):
    windows, starts, ends = problem
    candidates = collect(windows, starts, ends, n_best, max_answer_length, side)
    for example in range(windows.n_examples):
        expected = brute_force(windows, starts, ends, example, n_best, max_answer_length)
        assert found(candidates, example) == expected


@given(problems(), st.randoms(use_true_random=False))
def test_batches_and_their_order_do_not_matter(problem, random):
    windows, starts, ends = problem
    order = list(range(len(windows)))
    random.shuffle(order)
    batches = [order[i : i + 2] for i in range(0, len(order), 2)]
    at_once = collect(windows, starts, ends, 5, 4)
    piecewise = collect(windows, starts, ends, 5, 4, batches=batches)
    for example in range(windows.n_examples):
        assert found(at_once, example) == found(piecewise, example)
    assert at_once.null_score.tolist() == piecewise.null_score.tolist()


@given(problems())
def test_probabilities_are_the_softmax_of_the_scores(problem):
    windows, starts, ends = problem
    candidates = collect(windows, starts, ends, 5, 4)
    for example in range(len(candidates)):
        part = candidates.of(example)
        weights = np.exp(candidates.score[part])
        assert np.allclose(candidates.probability[part], weights / weights.sum())


@given(problems(), st.sampled_from(["left", "right"]))
def test_null_score_is_the_least_of_the_windows(problem, side):
    windows, starts, ends = problem
    candidates = collect(windows, starts, ends, 5, 4, side)
    for example in range(windows.n_examples):
        rows = windows.example_index == example
        assert candidates.null_score[example] == (starts[rows, 0] + ends[rows, 0]).min()


def test_a_span_seen_in_two_windows_is_one_candidate_at_its_best():
    windows = windows_of([[2, 2]], stride=2)
    starts = np.zeros((2, 6), np.float32)
    starts[1, LEADING] = 5
    candidates = collect(windows, starts, np.zeros_like(starts), 10, 1)
    assert found(candidates, 0)[0] == (5, 3, 5)
    assert [span[1:] for span in found(candidates, 0)] == [(3, 5), (0, 2), (6, 8)]


def test_a_good_end_before_a_good_start_is_no_span():
    windows = windows_of([[3]])
    starts, ends = np.zeros((2, 1, 7), np.float32)
    starts[0, LEADING + 2] = ends[0, LEADING] = 9
    assert found(collect(windows, starts, ends, 1, 3), 0) == [(9, 0, 2)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_of_a_diverged_model_give_candidates_all_the_same(value):
    windows = windows_of([[4], [2]])
    logits = np.full((2, 8), value, np.float32)
    candidates = collect(windows, logits, logits, 3, 2)
    assert np.isfinite(candidates.score).all()
    assert np.isfinite(candidates.probability).all()
    assert candidates.best_texts(["ab cd ef gh", "ab cd"]) == ["ab", "ab"]


@pytest.mark.parametrize("n_tokens", [300, 10])
def test_equal_logits_and_short_contexts_leave_few_spans_to_compare(n_tokens):
    """All of 200 windows with 300 starts of 30 spans each would be 90 MB."""
    windows, logits = windows_of([[n_tokens]] * 200), np.zeros((200, 304), np.float32)
    tracemalloc.start()
    collect(windows, logits, logits, 20, 30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_an_example_without_windows_seen_has_no_candidate():
    windows = windows_of([[2], [3]])
    logits = np.zeros((1, 7), np.float32)
    collector = SpanCollector(windows, 5, 5)
    collector.add([1], logits, logits)
    candidates = collector.finish()
    assert candidates.best_texts(["ab cd", "ab cd ef"]) == ["", "ab"]
    assert candidates.null_score.tolist() == [np.inf, 0]


def test_windows_without_context_and_with_fewer_columns_than_spans_have_no_candidate():
    logits = np.zeros((2, LEADING + 1), np.float32)
    candidates = collect(windows_of([[0], [0]]), logits, logits, 20, 30)
    assert len(candidates.score) == 0
    assert candidates.null_score.tolist() == [0, 0]


def test_nothing_added_gives_no_candidates():
    collector = SpanCollector(windows_of([[2]]), 5, 5)
    collector.add([], np.zeros((0, 8)), np.zeros((0, 8)))
    candidates = collector.finish()
    assert len(candidates) == 1
    assert len(candidates.score) == 0


def test_a_token_of_white_space_alone_is_no_answer():
    windows = windows_of([[3]])
    windows.offsets[LEADING + 1] = (6, 2)  # as preparation marks the space between two words
    starts, ends = np.zeros((2, 1, 7), np.float32)
    starts[0, LEADING + 1] = ends[0, LEADING + 1] = 9
    spans = [span[1:] for span in found(collect(windows, starts, ends, 10, 3), 0)]
    assert set(spans) == {(0, 2), (0, 8), (6, 8)}


@given(problems(), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_sums_that_single_precision_cannot_tell_apart_are_ranked_all_the_same(
    problem, n_best, seed
):
    windows, starts, ends = problem
    random = np.random.default_rng(seed)
    starts = (starts + 2.0**23).astype(np.float32)  # a sum with it is rounded to a whole number
    ends = (ends + random.choice([0.0, 0.125, 0.25], ends.shape)).astype(np.float32)
    candidates = collect(windows, starts, ends, n_best, 4)
    for example in range(windows.n_examples):
        expected = brute_force(windows, starts, ends, example, n_best, 4)
        assert found(candidates, example) == expected


@given(problems(), st.integers(1, 40))
def test_how_many_logits_are_read_at_once_does_not_matter(problem, n_cells):
    windows, starts, ends = problem
    batches = [[row] for row in range(len(windows))]
    at_once = collect(windows, starts, ends, 5, 4, batches=batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qa_sweep.qa.spans.N_CELLS_AT_ONCE", n_cells)
        piecewise = collect(windows, starts, ends, 5, 4, batches=batches)
    for example in range(windows.n_examples):
        assert found(at_once, example) == found(piecewise, example)


@given(problems())
def test_half_precision_gives_what_single_does(problem):
    windows, starts, ends = problem
    half = collect(windows, starts.astype(np.float16), ends.astype(np.float16), 5, 4)
    single = collect(windows, starts, ends, 5, 4)
    assert half.score.tolist() == single.score.tolist()


@given(problems(), st.integers(1, 8))
def test_candidates_know_their_length_and_examples_their_windows(problem, max_answer_length):
    windows, starts, ends = problem
    candidates = collect(windows, starts, ends, 30, max_answer_length)
    # Token t spans the characters 3t to 3t + 2.
    n_tokens = (candidates.end_char - candidates.start_char + 1) // 3
    assert candidates.n_tokens.tolist() == n_tokens.tolist()
    assert candidates.n_tokens.max() <= max_answer_length
    assert candidates.n_windows.tolist() == np.bincount(windows.example_index).tolist()


def test_logits_with_too_few_columns_are_refused():
    windows = windows_of([[4]])
    with pytest.raises(ValueError, match="but got 7 columns for a window of 8 tokens"):
        SpanCollector(windows, 5, 5).add([0], np.zeros((1, 7)), np.zeros((1, 7)))
