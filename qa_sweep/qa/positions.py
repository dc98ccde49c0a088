"""Positions: the columns of padded logits at which something of their windows stands.

Shapes
    n_rows      windows of one batch
    n_columns   tokens of the longest of them, with padding
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.windows import Side, Windows

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Positions:
    """Columns of each window of a batch, all arrays (n_rows,)."""

    shift: Ints  # columns of padding before the window
    cls: Ints
    context_start: Ints  # half-open
    context_end: Ints

    @classmethod
    def of(cls, windows: Windows, rows: Ints, shift: Ints) -> "Positions":
        """Return those of the windows `rows` that have `shift` columns of padding before them."""
        start, end = _context_positions(windows)
        return cls(shift, windows.cls_index[rows] + shift, start[rows] + shift, end[rows] + shift)


def padding_before(windows: Windows, rows: Ints, n_columns: int, side: Side) -> Ints:
    """Return the columns of padding before each window, (n_rows,).

    Raises ValueError where a window is longer than `n_columns`.
    """
    lengths = windows.lengths[rows]
    if lengths.max(initial=0) > n_columns:
        raise ValueError(
            f"logits must have a column for each token, but got {n_columns} columns for a "
            f"window of {lengths.max()} tokens"
        )
    return n_columns - lengths if side == "left" else np.zeros_like(rows)


@lru_cache(maxsize=2)  # the same windows are read after each epoch
def _context_positions(windows: Windows) -> tuple[Ints, Ints]:
    """Return where each window's context begins and ends, counted in its tokens, (n_windows,)."""
    in_context, row_starts = windows.in_context, windows.row_starts[:-1]
    begins = in_context.copy()
    begins[1:] &= ~in_context[:-1]
    begins[row_starts] = in_context[row_starts]
    beginnings = np.append(np.flatnonzero(begins), len(in_context))
    start = beginnings[np.searchsorted(beginnings[:-1], row_starts)] - row_starts
    n_context = np.add.reduceat(in_context, row_starts, dtype=np.int32)
    return start, start + n_context
