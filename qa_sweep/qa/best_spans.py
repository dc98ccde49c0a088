"""Best spans: the n-best of each row of start and end logits.

The n-best is exact: no span that the limits allow has a higher score than one that is returned.
Choosing the best starts and the best ends apart, as the example scripts do, may find none at all
(every good end before every good start) and forgets pairs that are good together.

Shapes
    n_rows      windows of some batches
    n_columns   tokens of the longest of them, with padding
    n_best      spans of a window
    n_ends      ends in reach of a start
    n_starts    columns of all rows where a span may begin that is among the best
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Logits = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

N_COLUMNS_A_SET = 4  # fewer give a higher floor, and take longer to find it


def best_token_spans(
    starts: Logits, ends: Logits, n_best: int
) -> tuple[NDArray[np.float64], Ints, Ints]:
    """Return scores, first and last columns of each row's best spans, (n_rows, n_best) each.

    `starts` are (n_rows, n_columns), and -inf where no span may start; `ends` are
    (n_rows, n_columns + n_ends - 1), and -inf where none may end: spans have at most `n_ends`
    tokens. Within a row spans are ordered by start, then end, not by score; where a row has fewer
    spans, the score is -inf, and the columns mean nothing.
    """
    is_there, first, last, is_sure = _top_spans(starts, ends, n_best)
    if not is_sure.all():
        # Sums of single precision are rounded, which keeps their order but may make them equal.
        unsure = np.flatnonzero(~is_sure)
        wide = starts[unsure].astype(np.float64), ends[unsure].astype(np.float64)
        is_there[unsure], first[unsure], last[unsure], _ = _top_spans(*wide, n_best)
    score = _taken(starts, first).astype(np.float64) + _taken(ends, last)
    return np.where(is_there, score, -np.inf), first, last


def _top_spans(starts: Logits, ends: Logits, n_best: int) -> tuple[Bools, Ints, Ints, Bools]:
    """Return whether there is each of a row's best spans, first and last columns, and what is sure.

    The first three are (n_rows, n_best). A row is sure, (n_rows,), where no span was left out that
    may equal one taken. A floor that no span among the best is below leaves few starts, and few of
    their spans: only these are compared with each other.
    """
    n_rows, n_columns = starts.shape
    n_ends = ends.shape[1] - n_columns + 1
    with np.errstate(over="ignore"):  # of a diverged model: equal to infinity, hence not sure
        best = starts + _sliding_maximum(ends, n_ends)
        floor = _floor(best, n_best)
        start, has_sure_starts = _starts_above(floor, best, n_best)
        row = start // n_columns
        in_reach = sliding_window_view(ends.ravel(), n_ends)[start + row * (n_ends - 1)]
        in_reach += np.take(starts, start)[:, None]
    # `in_reach` is (n_starts, n_ends).
    span = np.flatnonzero(in_reach >= np.take(floor, row)[:, None])
    row_starts = np.searchsorted(span, np.searchsorted(row, np.arange(n_rows + 1)) * n_ends)
    n_spans = np.diff(row_starts)
    top, has_sure_spans = _top_columns(_in_rows(np.take(in_reach, span), n_spans, n_best), n_best)
    is_sure = has_sure_starts & has_sure_spans & (n_spans >= n_best)  # one may be below all numbers
    if not len(span):
        return np.zeros_like(top, dtype=bool), np.zeros_like(top), np.zeros_like(top), is_sure
    span = np.take(span, row_starts[:-1, None] + top, mode="clip")
    nth_start = span // n_ends
    first = start[nth_start] - np.arange(n_rows)[:, None] * n_columns
    return top < n_spans[:, None], first, first + span - nth_start * n_ends, is_sure


def _in_rows(values: Logits, n_of_row: Ints, at_least: int) -> Logits:
    """Return the values of all rows (n_values,) as rows of `at_least` columns, ended by -inf."""
    rows = np.full((len(n_of_row), n_of_row.max(initial=at_least)), -np.inf, values.dtype)
    rows[np.arange(rows.shape[1]) < n_of_row[:, None]] = values
    return rows


def _starts_above(floor: Logits, best: Logits, n_best: int) -> tuple[Ints, Bools]:
    """Return the starts of which one begins each best span, and which rows have them for sure.

    They are cells, (n_starts,), of the spans' scores `best` (n_rows, n_columns), row by row. Where
    too many are equal, `n_best` of each row are taken; rows (n_rows,) are sure that left none out.
    """
    n_rows, n_columns = best.shape
    is_above = best >= floor
    if np.count_nonzero(is_above) <= 2 * n_best * n_rows:
        return np.flatnonzero(is_above), np.ones(n_rows, dtype=bool)
    columns, is_sure = _top_columns(best, min(n_best, n_columns))
    return (np.arange(n_rows)[:, None] * n_columns + columns).ravel(), is_sure


def _floor(values: Logits, n: int) -> Logits:
    """Return a finite value that `n` of each row reach, if as many are finite, (n_rows, 1).

    It is the n-th highest of the maxima of sets of columns, which are sooner compared than all
    values, and hardly lower than their own n-th highest.
    """
    n_rows, n_columns = values.shape
    lowest = np.finfo(values.dtype).min
    if n_columns < n:
        return np.full((n_rows, 1), lowest, values.dtype)
    size = N_COLUMNS_A_SET if n_columns >= N_COLUMNS_A_SET * n else 1
    n_sets = n_columns // size
    columns = (values[:, i * n_sets : (i + 1) * n_sets] for i in range(size))
    maxima = functools.reduce(np.maximum, columns)
    return np.maximum(_nth_highest(maxima, n), lowest)


def _nth_highest(values: Logits, n: int) -> Logits:
    """Return the `n`-th highest value of each row, (n_rows, 1)."""
    nth = values.shape[1] - n
    return np.partition(values, nth, axis=1)[:, nth, None]


def _taken(values: NDArray, columns: Ints) -> NDArray:
    """Return what stands in each row's `columns`; `np.take_along_axis` is far slower."""
    return np.take(values, np.arange(len(values))[:, None] * values.shape[1] + columns)


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
    """Return the columns of each row's `n` highest values, ascending, (n_rows, n).

    Of equal values the leftmost are taken, which a partition alone would leave to chance. The
    second array (n_rows,) says where no value was left out that equals one taken.
    """
    n_rows, n_columns = values.shape
    lowest = _nth_highest(values, n)
    kept = values >= lowest
    is_sure = np.ones(n_rows, dtype=bool)
    if np.count_nonzero(kept) > n_rows * n:  # ties at the end of some row's n
        is_sure = np.count_nonzero(kept, axis=1) == n
        equal = values == lowest
        n_equal = n - (kept & ~equal).sum(axis=1, keepdims=True)
        kept &= ~equal | (np.cumsum(equal, axis=1) <= n_equal)
    row_starts = np.arange(n_rows)[:, None] * n_columns
    return np.flatnonzero(kept).reshape(n_rows, n) - row_starts, is_sure
