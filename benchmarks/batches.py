"""Batches: how much of them is tokens, and how random their order is, by way of making them.

    python benchmarks/batches.py                          # lengths in SQuAD's proportions
    python benchmarks/batches.py --windows 80000 --batch-sizes 16 32 64

For each way: the share of tokens among the cells of the batches (the rest is padding), and how far
the mean length of a batch follows from the one before (its correlation with that: 0 is random, 1 is
sorted). `packed` puts windows together into rows of the full length, however many fit: the least
padding that there can be.
"""

import argparse
from bisect import bisect_left, insort
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qa_sweep.batches import N_BATCHES_OF_A_POOL, Columns, RowOrder, real_token_share
from qa_sweep.config import Padding

MAX_LENGTH, DOC_STRIDE = 384, 128
MEDIAN_LENGTH, SPREAD = 161, 0.42  # of SQuAD's questions with their contexts, as log-normal
POOLS = (10, 20, 50, 100, 200)
Lengths = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32])
    options = parser.parse_args()
    lengths = squad_lengths(options.windows)
    print(f"{len(lengths):,} windows, mean {lengths.mean():.0f} tokens, {MAX_LENGTH} at most")
    for batch_size in options.batch_sizes:
        print(f"batches of {batch_size}{'':22} tokens  follows")
        for name, order, columns in ways(lengths, batch_size):
            share = real_token_share(lengths, order, batch_size, columns)
            follows = correlation(lengths[order], batch_size)
            print(f"  {name:32} {share:6.1%}   {follows:5.2f}")
    print(f"{'packed':34} {packed_share(lengths):6.1%}")


def squad_lengths(n_windows: int) -> Lengths:
    """Lengths of windows; a text that is too long is cut into several."""
    texts = np.random.default_rng(0).lognormal(np.log(MEDIAN_LENGTH), SPREAD, n_windows)
    lengths: list[int] = []
    for n_tokens in texts.astype(int):
        while n_tokens > MAX_LENGTH:
            lengths.append(MAX_LENGTH)
            n_tokens -= MAX_LENGTH - DOC_STRIDE
        lengths.append(n_tokens)
    return np.array(lengths[:n_windows])


def ways(lengths: Lengths, batch_size: int) -> Iterator[tuple[str, Lengths, Columns]]:
    full = Columns(Padding.max_length, MAX_LENGTH, 1)
    longest = Columns(Padding.longest, MAX_LENGTH, 8)
    few_widths = Columns(Padding.longest, MAX_LENGTH, 64)
    random = RowOrder(lengths, batch_size, 0, by_length=False).of_epoch(0)
    yield "random, full length", random, full
    yield "random, longest of the batch", random, longest
    yield "grouped by transformers", grouped(lengths, batch_size), longest
    for n_batches in POOLS:
        ours = RowOrder(
            lengths, batch_size, 0, by_length=True, n_batches_of_a_pool=n_batches
        ).of_epoch(0)
        chosen = n_batches == N_BATCHES_OF_A_POOL
        name = f"ours, pools of {n_batches} batches"
        yield name + (" *" if chosen else ""), ours, longest
        if chosen:
            yield "  … of few widths, to compile", ours, few_widths
    yield "sorted", np.argsort(lengths), longest


def grouped(lengths: Lengths, batch_size: int) -> Lengths:
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    generator = torch.Generator().manual_seed(0)
    order = get_length_grouped_indices(lengths.tolist(), batch_size, generator=generator)
    return np.array(order)


def correlation(lengths: Lengths, batch_size: int) -> float:
    n_batches = len(lengths) // batch_size
    means = lengths[: n_batches * batch_size].reshape(n_batches, batch_size).mean(axis=1)
    return float(np.corrcoef(means[:-1], means[1:])[0, 1])


def packed_share(lengths: Lengths) -> float:
    """The longest first, each into the fullest row that has room for it."""
    rooms: list[int] = []  # what is free in each row, sorted
    for n_tokens in sorted(lengths.tolist(), reverse=True):
        place = bisect_left(rooms, n_tokens)
        room = rooms.pop(place) if place < len(rooms) else MAX_LENGTH
        insort(rooms, room - n_tokens)
    return float(lengths.sum() / (len(rooms) * MAX_LENGTH))


if __name__ == "__main__":
    main()
