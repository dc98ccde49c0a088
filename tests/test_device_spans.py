"""Device spans: those that NumPy finds, without a value asked of the device in between."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spans_helpers import on_side, problems, windows_of
from torch.overrides import TorchFunctionMode

from qa_sweep import evaluation
from qa_sweep.config import EmbeddedData, EvaluationConfig, TinyModel
from qa_sweep.data import load_examples
from qa_sweep.device_spans import SpansOnDevice, spans_of_logits
from qa_sweep.evaluation import predict
from qa_sweep.model import make_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.spans import SpanCollector

FIELDS = (
    "row_starts", "score", "start_char", "end_char", "n_tokens", "probability", "null_score",
    "n_windows",
)  # fmt: skip

n_bests, lengths, sides = st.integers(1, 30), st.integers(1, 9), st.sampled_from(["left", "right"])
seeds = st.integers(0, 2**32 - 1)


def on_device(windows, logits, n_best, length, side, batches=None) -> Candidates:
    """What the device's way finds, on the device that every machine has."""
    spans = SpansOnDevice(windows, n_best, length, side)
    for rows in batches or [range(len(windows))]:
        moved = [torch.from_numpy(on_side(windows, rows, each, side)) for each in logits]
        spans.add(rows, *moved)
    return spans.finish()


def on_host(windows, logits, n_best, length, side) -> Candidates:
    collector = SpanCollector(windows, n_best, length, side)
    rows = range(len(windows))
    collector.add(rows, *(on_side(windows, rows, each, side) for each in logits))
    return collector.finish()


def assert_same(found: Candidates, expected: Candidates) -> None:
    for name in FIELDS:
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name


@given(problems(), n_bests, lengths, sides)
def test_the_device_finds_what_numpy_finds_with_ties_and_either_padding(
    problem, n_best, length, side
):
    windows, *logits = problem
    assert_same(
        on_device(windows, logits, n_best, length, side),
        on_host(windows, logits, n_best, length, side),
    )


@given(problems(), n_bests, lengths, seeds)
def test_the_device_finds_what_numpy_finds_in_logits_without_ties(problem, n_best, length, seed):
    windows, starts, _ = problem
    random = np.random.default_rng(seed)
    logits = random.normal(0, 5, (2, *starts.shape)).astype(np.float32)
    assert_same(
        on_device(windows, logits, n_best, length, "right"),
        on_host(windows, logits, n_best, length, "right"),
    )


@given(problems(), n_bests, lengths, seeds)
def test_the_device_finds_what_numpy_finds_in_logits_of_a_diverged_model(
    problem, n_best, length, seed
):
    windows, starts, _ = problem
    random = np.random.default_rng(seed)
    pool = np.array([math.nan, math.inf, -math.inf, 3.4e38, -3.4e38, -0.0, 0.0, 1.0], np.float32)
    logits = random.choice(pool, (2, *starts.shape))
    assert_same(
        on_device(windows, logits, n_best, length, "right"),
        on_host(windows, logits, n_best, length, "right"),
    )


@given(problems(), n_bests, seeds)
def test_sums_that_single_precision_cannot_tell_apart_are_ranked_as_numpy_does(
    problem, n_best, seed
):
    windows, starts, ends = problem
    random = np.random.default_rng(seed)
    starts = (starts + 2.0**23).astype(np.float32)  # a sum with it is rounded to a whole number
    ends = (ends + random.choice([0.0, 0.125, 0.25], ends.shape)).astype(np.float32)
    assert_same(
        on_device(windows, (starts, ends), n_best, 4, "right"),
        on_host(windows, (starts, ends), n_best, 4, "right"),
    )


@given(problems(), st.sampled_from([torch.float16, torch.bfloat16]), seeds)
def test_half_precision_gives_what_its_values_give_in_single(problem, dtype, seed):
    windows, starts, _ = problem
    random = np.random.default_rng(seed)
    half = torch.from_numpy(random.normal(0, 5, (2, *starts.shape)).astype(np.float32)).to(dtype)
    spans = SpansOnDevice(windows, 5, 4)
    spans.add(range(len(windows)), *half)
    expected = on_host(windows, half.float().numpy(), 5, 4, "right")
    assert_same(spans.finish(), expected)


@given(problems(), st.integers(1, 200), st.randoms(use_true_random=False))
def test_neither_batches_nor_what_is_fetched_at_once_matter(problem, n_values, random):
    windows, *logits = problem
    order = list(range(len(windows)))
    random.shuffle(order)
    batches = [order[i : i + 2] for i in range(0, len(order), 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qa_sweep.device_spans.N_VALUES_AT_ONCE", n_values)
        piecewise = on_device(windows, logits, 5, 4, "right", batches)
    assert_same(piecewise, on_device(windows, logits, 5, 4, "right"))


def test_nothing_added_gives_no_candidates():
    candidates = SpansOnDevice(windows_of([[2]]), 5, 5).finish()
    assert (len(candidates), len(candidates.score)) == (1, 0)


def test_logits_with_too_few_columns_are_refused():
    spans = SpansOnDevice(windows_of([[4]]), 5, 5)
    with pytest.raises(ValueError, match="but got 7 columns for a window of 8 tokens"):
        spans.add([0], torch.zeros(1, 7), torch.zeros(1, 7))


class Reads(TorchFunctionMode):
    """Remembers how many numbers are read at once, and by which method."""

    READERS: tuple[Callable, ...] = (
        torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.item, torch.Tensor.tolist,
        torch.Tensor.__array__, torch.Tensor.__float__, torch.Tensor.__int__,
        torch.Tensor.__bool__, torch.Tensor.nonzero,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, int]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in self.READERS:
            self.found.append((func.__name__, args[0].numel()))
        return func(*args, **kwargs or {})


def test_no_value_is_asked_for_while_spans_are_found():
    # Tensors that have a shape, but no values: to ask for one is an error.
    logits = torch.empty(2, 8, 384, device="meta", dtype=torch.bfloat16)
    positions = torch.empty(4, 8, device="meta", dtype=torch.int64)
    found = spans_of_logits(*logits, positions, 20, 30)
    assert found.shape == (8, 61)
    with pytest.raises((RuntimeError, NotImplementedError)):
        float(found[0, 0])


def test_the_host_reads_nothing_but_spans_and_of_these_a_bounded_number_at_once(monkeypatch):
    monkeypatch.setattr("qa_sweep.device_spans.N_VALUES_AT_ONCE", 1000)
    windows, n_best = windows_of([[40]] * 120), 2
    spans = SpansOnDevice(windows, n_best, 8)
    with Reads() as reads:
        for first in range(0, len(windows), 4):
            spans.add(range(first, first + 4), *torch.randn(2, 4, 44))
            assert spans._n_waiting < 1000
        spans.finish()
    of_window, of_batch = 1 + 3 * n_best, 4 * (1 + 3 * n_best)
    n_fetched = [n for name, n in reads.found if name == "cpu"]
    assert sum(n_fetched) == len(windows) * of_window
    assert max(n for _, n in reads.found) < 1000 + of_batch


def test_an_evaluation_reads_the_device_once_for_its_spans_and_once_for_its_loss(monkeypatch):
    data = EmbeddedData(n_train=64, n_eval=48)
    prepared = prepare_splits(TinyModel(vocabulary_size=300), data, load_examples(data))
    reader = make_reader(TinyModel(vocabulary_size=300), prepared.tokenizer, data.max_length, 1)
    windows, config = prepared.held_out.windows, EvaluationConfig(batch_size=8, n_best=3)
    expected, expected_loss = predict(reader, windows, config)
    monkeypatch.setattr(evaluation, "SpansOnHost", SpansOnDevice)
    with Reads() as reads:
        found, loss = predict(reader, windows, config)
    assert len(windows) > 2 * config.batch_size
    asked = [read for read in reads.found if read[0] != "__bool__"]  # models ask: is there padding?
    assert asked == [("cpu", len(windows) * 10), ("numpy", len(windows) * 10), ("__float__", 1)]
    assert loss == expected_loss
    assert_same(found, expected)
