"""Batches: which windows a training sees together, and their tensors."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from qa_sweep.config import Padding
from qa_sweep.evaluation import PAD_TO_MULTIPLE_OF, model_input
from qa_sweep.model import Reader
from qa_sweep.qa.windows import Windows, pad_windows


class Collator:
    """Turns rows of windows into a padded batch."""

    def __init__(self, reader: Reader, windows: Windows, padding: Padding, max_length: int) -> None:
        self._windows = windows
        self._pad_id = reader.tokenizer.pad_token_id or 0
        self._takes_token_types = reader.takes_token_types
        self._to_length = max_length if padding is Padding.max_length else None

    def __call__(self, rows: list[int]) -> dict[str, torch.Tensor]:
        batch = pad_windows(
            self._windows,
            rows,
            self._pad_id,
            multiple_of=PAD_TO_MULTIPLE_OF,
            to_length=self._to_length,
        )
        return model_input(batch, self._takes_token_types)


class LengthSampler(Sampler[int]):
    """Rows in an order in which those of a batch are of like length.

    The order depends on seed and epoch alone, so a training that goes on from a checkpoint sees the
    batches that it would have seen.
    """

    def __init__(self, windows: Windows, batch_size: int, seed: int) -> None:
        self._lengths = windows.lengths.tolist()
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self._epoch)
        yield from get_length_grouped_indices(self._lengths, self._batch_size, generator=generator)
