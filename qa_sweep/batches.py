"""Batches: which windows a training sees together, in which order, and how wide they are.

Shapes
    n_windows   windows of the training
    n_batches   batches of an epoch; the last has fewer windows where they do not come out even
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from qa_sweep.config import Padding

# Batches that are sorted together: more save little padding, fewer keep more of the order's chance.
# benchmarks/batches.py shows both.
N_BATCHES_OF_A_POOL = 50


class RowOrder(Sampler[int]):
    """The rows of an epoch in the order in which they are cut into batches.

    It depends on seed and epoch alone, so a training that goes on from a checkpoint sees the
    batches that it would have seen.
    """

    def __init__(
        self,
        lengths: NDArray[np.int64],
        batch_size: int,
        seed: int,
        *,
        by_length: bool,
        n_batches_of_a_pool: int = N_BATCHES_OF_A_POOL,
    ) -> None:
        self._lengths = lengths  # (n_windows,)
        self._batch_size = batch_size
        self._seed = seed
        self._by_length = by_length
        self._n_rows_of_a_pool = n_batches_of_a_pool * batch_size
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.of_epoch(self._epoch).tolist())

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """All rows, (n_windows,)."""
        generator = torch.Generator().manual_seed(self._seed + epoch)
        order = _shuffled(len(self), generator)
        return self._with_batches_by_length(order, generator) if self._by_length else order

    def _with_batches_by_length(
        self, order: NDArray[np.int64], generator: torch.Generator
    ) -> NDArray[np.int64]:
        """Cut shuffled rows into pools, sort each by length, and shuffle the batches of all.

        Rows left over by whole batches come last, as they were drawn: they favour no length.
        """
        n_batches = len(order) // self._batch_size
        whole, rest = np.split(order, [n_batches * self._batch_size])
        pool = np.arange(len(whole)) // self._n_rows_of_a_pool
        by_length = whole[np.lexsort((self._lengths[whole], pool))]
        batches = by_length.reshape(n_batches, self._batch_size)
        return np.concatenate((batches[_shuffled(n_batches, generator)].ravel(), rest))


def _shuffled(n: int, generator: torch.Generator) -> NDArray[np.int64]:
    return torch.randperm(n, generator=generator).numpy()


@dataclass(frozen=True)
class Columns:
    """How wide batches are padded."""

    padding: Padding
    max_length: int  # tokens that a window may have
    multiple_of: int

    def of(self, longest: ArrayLike) -> NDArray[np.int64]:
        """Columns of batches whose longest windows have `longest` tokens; of any shape."""
        if self.padding is Padding.max_length:
            return np.full_like(longest, self.max_length)
        rounded_up = -(-np.asarray(longest) // self.multiple_of) * self.multiple_of
        return np.minimum(rounded_up, self.max_length)


def real_token_share(
    lengths: NDArray[np.int64], order: NDArray[np.int64], batch_size: int, columns: Columns
) -> float:
    """The share of tokens among the cells of an epoch's batches; the others are padding.

    `lengths` and `order` are (n_windows,).
    """
    first_places = np.arange(0, len(order), batch_size)  # of each batch, (n_batches,)
    longest = np.maximum.reduceat(lengths[order], first_places)
    n_rows = np.diff(np.append(first_places, len(order)))
    return float(lengths.sum() / (n_rows * columns.of(longest)).sum())
