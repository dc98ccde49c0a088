"""What is trained on and with: made-up windows of SQuAD's lengths, a reader with random weights.

Speed depends on shapes alone, so no text and no checkpoint is needed.
"""

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    PreTrainedTokenizerFast,
)

from gpu_parts.scale import Scale
from qa_sweep.model import Reader
from qa_sweep.qa.example import Example, Reference
from qa_sweep.qa.windows import Windows, pad_windows

# SQuAD's questions with their contexts, in BERT's wordpieces: mean 176, median 161, 1.9 % over 384.
# A log-normal distribution has all three.
MEDIAN_TOKENS, SIGMA_OF_LOG, SQUAD_MAX_LENGTH = 161, 0.422, 384

PAD, CLS, SEP, FIRST_WORD = 0, 101, 102, 104  # ids
CHARS_OF_TOKEN = 4  # "abc " again and again
MAX_ANSWER_TOKENS = 5


@dataclass(frozen=True, eq=False)
class Problem:
    """Windows, one for each example, and the same as the rows of a padded data set."""

    scale: Scale
    windows: Windows

    @cached_property
    def examples(self) -> list[Example]:
        return [self._example(row) for row in range(len(self.windows))]

    @cached_property
    def rows(self) -> Any:
        """Padded to the full length: an Arrow data set, or lists where `datasets` is missing."""
        length = self.scale.max_length
        batch = pad_windows(self.windows, range(len(self.windows)), PAD, to_length=length)
        columns = {
            "input_ids": batch.input_ids.tolist(),
            "attention_mask": batch.attention_mask.tolist(),
            "start_positions": batch.start_labels.tolist(),
            "end_positions": batch.end_labels.tolist(),
        }
        try:
            from datasets import Dataset
        except ImportError:
            names = list(columns)
            return [
                dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
        return Dataset.from_dict(columns)

    def _example(self, row: int) -> Example:
        windows = self.windows
        tokens = slice(*windows.row_starts[row : row + 2])
        offsets = windows.offsets[tokens]
        context = "abc " * int((offsets[:, 0] >= 0).sum())
        start = int(offsets[windows.start_labels[row], 0])
        end = int(offsets[windows.end_labels[row], 1])
        return Example(str(row), "which", context, (Reference(context[start:end], start),))


def make_problem(scale: Scale, n_windows: int, seed: int = 0) -> Problem:
    random = np.random.default_rng(seed)
    lengths = draw_lengths(scale, n_windows, random)
    row_starts = np.concatenate([[0], lengths.cumsum()])
    position = np.arange(row_starts[-1]) - np.repeat(row_starts[:-1], lengths)
    is_last = position == np.repeat(lengths, lengths) - 1
    first = scale.n_question + 2  # token of the context
    in_context = (position >= first) & ~is_last

    input_ids = random.integers(FIRST_WORD, scale.n_words, len(position), dtype=np.int32)
    input_ids[position == 0] = CLS
    input_ids[is_last | (position == first - 1)] = SEP
    begin = CHARS_OF_TOKEN * (position - first)
    offsets = np.stack([begin, begin + CHARS_OF_TOKEN - 1], axis=1)
    offsets[~in_context] = -1
    start = random.integers(first, lengths - 1)
    end = np.minimum(start + random.integers(0, MAX_ANSWER_TOKENS, n_windows), lengths - 2)
    windows = Windows(
        input_ids=input_ids,
        token_types=(position >= first).astype(np.int8),
        offsets=offsets.astype(np.int32),
        row_starts=row_starts.astype(np.int64),
        example_index=np.arange(n_windows, dtype=np.int32),
        cls_index=np.zeros(n_windows, np.int32),
        start_labels=start.astype(np.int32),
        end_labels=end.astype(np.int32),
    )
    return Problem(scale, windows)


def draw_lengths(scale: Scale, n_windows: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Tokens of each window: SQuAD's, cut at the full length; a smaller one scales them."""
    drawn = random.lognormal(np.log(MEDIAN_TOKENS), SIGMA_OF_LOG, n_windows)
    scaled = (drawn * scale.max_length / SQUAD_MAX_LENGTH).round()
    shortest = scale.n_question + 3 + MAX_ANSWER_TOKENS  # CLS and two SEP
    return scaled.clip(shortest, scale.max_length).astype(np.int64)


_made: dict[Scale, Reader] = {}


def make_reader(scale: Scale) -> Reader:
    """A reader whose weights are random, and the same each time."""
    if scale not in _made:
        torch.manual_seed(0)
        config = DistilBertConfig(
            vocab_size=scale.n_words,
            n_layers=scale.n_layers,
            dim=scale.width,
            n_heads=scale.n_heads,
            hidden_dim=scale.feed_forward_width,
        )
        _made[scale] = Reader(DistilBertForQuestionAnswering(config), _make_tokenizer())
    made = _made[scale]
    return Reader(copy.deepcopy(made.model), made.tokenizer)


def _make_tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({"[PAD]": PAD, "[UNK]": 1}, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        model_input_names=["input_ids", "attention_mask"],
    )
