"""Batches: the order of rows, widths, and the share of real tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_helpers import make_trainer

from qa_sweep.batches import Columns, RowOrder, real_token_share
from qa_sweep.config import Padding

BATCH_SIZE = 16
LONGEST = Columns(Padding.longest, max_length=384, multiple_of=8)


def mixed_lengths(n_windows: int) -> np.ndarray:
    """Lengths as mixed as those of SQuAD."""
    drawn = np.random.default_rng(0).lognormal(np.log(161), 0.42, n_windows)
    return np.minimum(drawn, 384).astype(np.int64)


def order_of(lengths: np.ndarray, *, by_length: bool, seed: int = 1, epoch: int = 0) -> np.ndarray:
    return RowOrder(lengths, BATCH_SIZE, seed, by_length=by_length).of_epoch(epoch)


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=300),
    batch_size=st.integers(1, 20),
    by_length=st.booleans(),
    epoch=st.integers(0, 5),
)
def test_an_epoch_has_each_row_once(lengths, batch_size, by_length, epoch) -> None:
    rows = RowOrder(np.array(lengths), batch_size, 1, by_length=by_length)
    rows.set_epoch(epoch)
    assert sorted(rows) == list(range(len(lengths))) == list(range(len(rows)))


@pytest.mark.parametrize("by_length", [False, True])
def test_the_order_depends_on_seed_and_epoch_alone(by_length) -> None:
    lengths = mixed_lengths(500)
    again = RowOrder(lengths, BATCH_SIZE, 1, by_length=by_length)
    assert list(again) == list(again) == order_of(lengths, by_length=by_length).tolist()
    others = [{"seed": 5}, {"epoch": 1}]
    for other in others:
        changed = order_of(lengths, by_length=by_length, **other)
        assert changed.tolist() != list(again)


def test_batches_by_length_are_almost_without_padding() -> None:
    lengths = mixed_lengths(10_000)
    shares = {
        by_length: real_token_share(
            lengths, order_of(lengths, by_length=by_length), BATCH_SIZE, LONGEST
        )
        for by_length in (False, True)
    }
    assert shares[False] < 0.6
    assert shares[True] > 0.95


def test_batches_by_length_come_in_no_order_of_length() -> None:
    lengths = mixed_lengths(16_000)
    order = order_of(lengths, by_length=True)
    means = lengths[order].reshape(-1, BATCH_SIZE).mean(axis=1)
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.1
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.1


def test_an_epochs_last_batch_favours_no_length() -> None:
    lengths = mixed_lengths(100 * BATCH_SIZE + 5)
    last = [order_of(lengths, by_length=True, epoch=epoch)[-5:] for epoch in range(200)]
    assert lengths[np.concatenate(last)].mean() == pytest.approx(lengths.mean(), rel=0.05)


@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize("padding", Padding)
def test_the_share_of_real_tokens_is_that_of_the_batches_that_come(
    tmp_path, by_length, padding
) -> None:
    trainer = make_trainer(tmp_path, group_by_length=by_length, padding=padding)
    masks = [batch["attention_mask"] for batch in trainer.get_train_dataloader()]
    n_tokens, n_cells = sum(int(mask.sum()) for mask in masks), sum(mask.numel() for mask in masks)
    assert trainer.real_token_share == n_tokens / n_cells


@given(longest=st.integers(1, 100))
def test_a_batch_is_no_wider_than_the_model_reads(longest) -> None:
    columns = int(Columns(Padding.longest, max_length=100, multiple_of=8).of(np.int64(longest)))
    assert longest <= columns <= 100
    assert columns % 8 == 0 or columns == 100
