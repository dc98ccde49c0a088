"""Windows: the encoded pieces of examples, kept flat and unpadded until they are batched.

Shapes
    n_tokens    tokens of all windows together, without padding
    n_windows   windows of all examples together
    n_rows      windows of one batch
    n_columns   tokens of the longest window of a batch, with padding
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["left", "right"]
Rows = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of a data set as flat ragged arrays; window `i` is `row_starts[i:i + 2]`.

    `offsets` are half-open character spans in the context, (-1, -1) outside the context. White
    space at a token's edges is not part of its span; the span of a token that is nothing but white
    space starts at the next word and ends with the word before, so that it is empty by itself and
    right as the first or last token of a longer span.

    `start_labels` and `end_labels` are the positions in the window of the first and the last token
    of the training answer, both `cls_index` where the window does not hold the whole answer.
    """

    input_ids: NDArray[np.int32]  # (n_tokens,)
    token_types: NDArray[np.int8]  # (n_tokens,)
    offsets: NDArray[np.int32]  # (n_tokens, 2)
    row_starts: NDArray[np.int64]  # (n_windows + 1,)
    example_index: NDArray[np.int32]  # (n_windows,), never decreasing
    cls_index: NDArray[np.int32]  # (n_windows,)
    start_labels: NDArray[np.int32]  # (n_windows,)
    end_labels: NDArray[np.int32]  # (n_windows,)

    def __len__(self) -> int:
        return len(self.example_index)

    @cached_property  # asked for with each batch
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each window, (n_windows,)."""
        return np.diff(self.row_starts)

    @property
    def n_examples(self) -> int:
        """Examples the windows were made of; each has at least one window."""
        return int(self.example_index[-1]) + 1 if len(self) else 0

    @property
    def has_answer(self) -> NDArray[np.bool_]:
        """Whether a window holds the whole training answer of its example, (n_windows,)."""
        return self.start_labels != self.cls_index

    @property
    def in_context(self) -> NDArray[np.bool_]:
        """Whether a token belongs to the context, (n_tokens,)."""
        return self.offsets[:, 0] >= 0


@dataclass(frozen=True, eq=False)
class Batch:
    """Padded windows, as int64, which is what embeddings and losses take."""

    input_ids: NDArray[np.int64]  # (n_rows, n_columns)
    attention_mask: NDArray[np.int64]  # (n_rows, n_columns), 1 for tokens and 0 for padding
    token_types: NDArray[np.int64]  # (n_rows, n_columns)
    start_labels: NDArray[np.int64]  # (n_rows,), columns
    end_labels: NDArray[np.int64]  # (n_rows,), columns


def pad_windows(
    windows: Windows,
    rows: Rows,
    pad_id: int,
    *,
    multiple_of: int = 1,
    to_length: int | None = None,
    side: Side = "right",
) -> Batch:
    """Return the windows `rows` as dense arrays.

    They are padded to the longest of them, rounded up to a multiple of `multiple_of`, or to
    `to_length` tokens where that is given. Labels are columns of the padded arrays, whichever the
    side of the padding.
    """
    rows = np.asarray(rows, dtype=np.int64)
    longest = int(windows.lengths[rows].max(initial=1))
    n_columns = to_length or -(-longest // multiple_of) * multiple_of
    index, is_token = token_index(windows, rows, n_columns, side)
    shift = n_columns - windows.lengths[rows] if side == "left" else 0
    return Batch(
        input_ids=np.where(is_token, windows.input_ids[index], np.int64(pad_id)),
        attention_mask=is_token.astype(np.int64),
        token_types=np.where(is_token, windows.token_types[index], np.int64(0)),
        start_labels=windows.start_labels[rows].astype(np.int64) + shift,
        end_labels=windows.end_labels[rows].astype(np.int64) + shift,
    )


def token_index(
    windows: Windows, rows: Rows, n_columns: int, side: Side
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each cell of a padded batch lies in the flat arrays, and whether it is a token.

    Both are (n_rows, n_columns); the index of padding is that of some token, to be masked.
    Raises ValueError where a window is longer than `n_columns`.
    """
    rows = np.asarray(rows, dtype=np.int64)
    starts, lengths = windows.row_starts[rows, None], windows.lengths[rows, None]
    if lengths.max(initial=0) > n_columns:
        raise ValueError(
            f"a batch must have a column for each token, but got {n_columns} columns for a window "
            f"of {lengths.max()} tokens"
        )
    position = np.arange(n_columns)[None, :] - (n_columns - lengths if side == "left" else 0)
    is_token = (position >= 0) & (position < lengths)
    return starts + np.where(is_token, position, 0), is_token


def mark_overlap(windows: Windows, ignored_ids: Collection[int] = ()) -> Windows:
    """Add 1 to the token type of each context token whose id occurs in its window's question.

    A small reader learns matching from this mark that it would need far more data to find by
    itself. Special tokens and the unknown token, `ignored_ids`, match nothing.
    """
    in_context = windows.in_context
    window_of_token = np.repeat(np.arange(len(windows)), windows.lengths)
    n_ids = int(windows.input_ids.max(initial=0)) + 1
    keys = window_of_token * n_ids + windows.input_ids
    counts = ~np.isin(windows.input_ids, np.fromiter(ignored_ids, np.int32, len(ignored_ids)))
    in_question = np.unique(keys[~in_context & counts])
    is_marked = np.zeros(len(keys), dtype=bool)
    is_marked[in_context] = np.isin(keys[in_context], in_question)
    return replace(windows, token_types=windows.token_types + is_marked.astype(np.int8))
