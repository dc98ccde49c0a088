"""Spans: the n-best equals brute force, batch by batch, whatever the padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.spans import SpanCollector
from qa_sweep.qa.windows import Windows

LEADING = 3  # tokens before the context: CLS, question, separator


def windows_of(n_tokens: list[list[int]], stride: int = 1) -> Windows:
    """Return windows with so many context tokens each, for each example.

    Token `t` of a context spans the characters 3t to 3t + 2; windows share `stride` tokens.
    """
    offsets, lengths, example_index = [], [], []
    for example, sizes in enumerate(n_tokens):
        first = 0
        for size in sizes:
            chars = [(3 * t, 3 * t + 2) for t in range(first, first + size)]
            offsets += [(-1, -1)] * LEADING + chars + [(-1, -1)]
            lengths.append(LEADING + size + 1)
            example_index.append(example)
            first += max(size - stride, 1)
    n = sum(lengths)
    cls = np.zeros(len(lengths), np.int32)
    return Windows(
        input_ids=np.ones(n, np.int32),
        token_types=np.zeros(n, np.int8),
        offsets=np.array(offsets, np.int32),
        row_starts=np.append(0, np.cumsum(lengths)),
        example_index=np.array(example_index, np.int32),
        cls_index=cls,
        start_labels=cls,
        end_labels=cls,
    )


def brute_force(windows, starts, ends, example, n_best, max_answer_length):
    """Return (score, start, end) of an example's best spans, by trying all of them."""
    best: dict[tuple[int, int], float] = {}
    for row in np.flatnonzero(windows.example_index == example):
        first, n = windows.row_starts[row], windows.lengths[row]
        for s in range(LEADING, n - 1):
            for e in range(s, min(s + max_answer_length, n - 1)):
                span = (int(windows.offsets[first + s, 0]), int(windows.offsets[first + e, 1]))
                score = float(starts[row, s]) + float(ends[row, e])
                best[span] = max(score, best.get(span, -np.inf))
    ranked = sorted((-score, start, end) for (start, end), score in best.items())
    return [(-score, start, end) for score, start, end in ranked[:n_best]]


def found(candidates: Candidates, example: int) -> list[tuple[float, int, int]]:
    part = candidates.of(example)
    return list(
        zip(
            candidates.score[part].tolist(),
            candidates.start_char[part].tolist(),
            candidates.end_char[part].tolist(),
            strict=True,
        )
    )


def collect(windows, starts, ends, n_best, max_answer_length, side="right", batches=None):
    """Return the candidates of unpadded-left logits, moved to `side`, in the given batches."""
    collector = SpanCollector(windows, n_best, max_answer_length, side)
    n_columns = starts.shape[1]
    for rows in batches if batches is not None else [range(len(windows))]:
        shifts = n_columns - windows.lengths[rows] if side == "left" else [0] * len(rows)
        moved = [
            np.stack([np.roll(logits[row], shift) for row, shift in zip(rows, shifts, strict=True)])
            for logits in (starts, ends)
        ]
        collector.add(rows, *moved)
    return collector.finish()


sizes = st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=3), min_size=1, max_size=4)
# Few distinct values, so that ties are the rule.
values = st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 3.0])


@st.composite
def problems(draw: st.DrawFn):
    windows = windows_of(draw(sizes))
    shape = (len(windows), int(windows.lengths.max()) + draw(st.integers(0, 2)))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    pool = draw(st.lists(values, min_size=1, max_size=6))
    starts, ends = (random.choice(pool, shape).astype(np.float32) for _ in range(2))
    return windows, starts, ends


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


def test_an_example_without_windows_seen_has_no_candidate():
    windows = windows_of([[2], [3]])
    logits = np.zeros((1, 7), np.float32)
    collector = SpanCollector(windows, 5, 5)
    collector.add([1], logits, logits)
    candidates = collector.finish()
    assert candidates.best_texts(["ab cd", "ab cd ef"]) == ["", "ab"]
    assert candidates.null_score.tolist() == [np.inf, 0]


def test_nothing_added_gives_no_candidates():
    candidates = SpanCollector(windows_of([[2]]), 5, 5).finish()
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
