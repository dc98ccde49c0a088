"""Best spans: the n-best of each row of start and end logits.

The n-best is exact: no span that the limits allow has a higher score than one that is returned.
Choosing the best starts and the best ends apart, as the example scripts do, may find none at all
(every good end before every good start) and forgets pairs that are good together.

Shapes
    n_rows      windows of some batches
    n_columns   tokens of the longest of them, with padding
    n_best      spans of a window
    n_ends      ends in reach of a start
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Logits = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def best_token_spans(
    starts: Logits, ends: Logits, n_best: int
) -> tuple[NDArray[np.float64], Ints, Ints]:
    """Return scores, first and last columns of each row's best spans, (n_rows, up to n_best) each.

    `starts` are (n_rows, n_columns), and -inf where no span may start; `ends` are
    (n_rows, n_columns + n_ends - 1), and -inf where none may end: spans have at most `n_ends`
    tokens. Within a row spans are ordered by start, then end, not by score; where a row has fewer
    spans, the score is -inf.
    """
    first, last, is_sure = _top_spans(starts, ends, n_best)
    if not is_sure.all():
        # Sums of single precision are rounded, which keeps their order but may make them equal.
        unsure = np.flatnonzero(~is_sure)
        wide = starts[unsure].astype(np.float64), ends[unsure].astype(np.float64)
        first[unsure], last[unsure], _ = _top_spans(*wide, n_best)
    best_starts, best_ends = (
        np.take_along_axis(logits, columns, axis=1).astype(np.float64)
        for logits, columns in ((starts, first), (ends, last))
    )
    return best_starts + best_ends, first, last


def _top_spans(starts: Logits, ends: Logits, n_best: int) -> tuple[Ints, Ints, Bools]:
    """Return first and last columns of each row's best spans, and whether a row had no ties.

    A span among the n best has a start among the n starts whose own best span is best; so a sliding
    maximum over the ends finds the starts, and only their spans are compared.
    """
    n_rows, n_ends = len(starts), ends.shape[1] - starts.shape[1] + 1
    with np.errstate(over="ignore"):  # of a diverged model: equal to infinity, hence not sure
        start, has_sure_starts = _top_columns(starts + _sliding_maximum(ends, n_ends), n_best)
        in_reach = sliding_window_view(ends, n_ends, axis=1)[np.arange(n_rows)[:, None], start]
        in_reach += np.take_along_axis(starts, start, axis=1)[:, :, None]
    # `in_reach` is (n_rows, n_best, n_ends).
    top, has_sure_ends = _top_columns(in_reach.reshape(n_rows, -1), n_best)
    nth_start, nth_end = np.divmod(top, n_ends)
    first = np.take_along_axis(start, nth_start, axis=1)
    return first, first + nth_end, has_sure_starts & has_sure_ends


def _sliding_maximum(values: Logits, width: int) -> Logits:
    """Return the maximum of each value and the `width` - 1 behind it in its row, by doubling.

    The last `width` - 1 values of a row are not the first of so many, and have none. The rows are
    read as one, which takes NumPy half the time of many short ones.
    """
    n_columns, joined = values.shape[1], values.ravel()
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        joined = np.maximum(joined[:-step], joined[step:])
        reach += step
    return sliding_window_view(joined, n_columns - width + 1)[::n_columns]


def _top_columns(values: Logits, n: int) -> tuple[Ints, Bools]:
    """Return the columns of each row's `n` highest values, ascending, (n_rows, at most n).

    Of equal values the leftmost are taken, which a partition alone would leave to chance. The
    second array (n_rows,) says where no value was left out that equals one taken.
    """
    n_rows, n_columns = values.shape
    n = min(n, n_columns)
    lowest = np.partition(values, n_columns - n, axis=1)[:, n_columns - n, None]
    kept = values >= lowest
    is_sure = np.ones(n_rows, dtype=bool)
    if np.count_nonzero(kept) > n_rows * n:  # ties at the end of some row's n
        is_sure = np.count_nonzero(kept, axis=1) == n
        equal = values == lowest
        n_equal = n - (kept & ~equal).sum(axis=1, keepdims=True)
        kept &= ~equal | (np.cumsum(equal, axis=1) <= n_equal)
    row_starts = np.arange(n_rows)[:, None] * n_columns
    return np.flatnonzero(kept).reshape(n_rows, n) - row_starts, is_sure
