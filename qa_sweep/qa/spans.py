"""Spans: from start and end logits to the best candidate answers of each example.

The n-best is exact: no span that the limits allow has a higher score than one that is returned.
Choosing the best starts and the best ends apart, as the example scripts do, may find none at all
(every good end before every good start) and forgets pairs that are good together.

Shapes
    n_rows      windows of one batch
    n_columns   tokens of the longest window of a batch, with padding
    n_best      candidates kept of a window, and later of an example
    n_ends      ends in reach of a start
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qa_sweep.qa.candidates import Candidates, WindowSpans, rank
from qa_sweep.qa.windows import Rows, Side, Windows

Logits = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Stands for a logit that is not a number or infinite: below all others, yet sums stay finite.
LOWEST_LOGIT = -1e30

N_CELLS_AT_ONCE = 2**18  # rows times columns; fewer waste calls, more leave the processor's cache


class SpanCollector:
    """Takes logits batch by batch, keeps each window's best spans, and gives each example's.

    Of a window there remain `n_best` scores and spans, so that logits are never held together but
    for some batches: many small calls of NumPy cost more than their work.
    Ties: the higher score, then the earlier start, then the shorter span.
    """

    def __init__(
        self, windows: Windows, n_best: int, max_answer_length: int, side: Side = "right"
    ) -> None:
        self._windows = windows
        self._n_best = n_best
        self._max_answer_length = max_answer_length
        self._side = side
        self._context_start, self._context_end = _context_positions(windows)
        self._waiting: list[_Logits] = []
        self._kept = WindowSpans.none(len(windows), n_best)
        self._null_score = np.full(windows.n_examples, np.inf)

    def add(self, rows: Rows, start_logits: Logits, end_logits: Logits) -> None:
        """Keep the best spans of the windows `rows`; logits are (n_rows, n_columns).

        The logits' padding must lie on the collector's `side`; what they say there is ignored, and
        so is what they say of tokens outside the context. Rows may come in any order. The arrays
        are read later, and must stay as they are until `finish`.
        Raises ValueError where a window is longer than `n_columns`.
        """
        numbers = np.asarray(rows, dtype=np.int64)
        shift = self._shift(numbers, start_logits.shape[1])
        self._waiting.append(_Logits(numbers, shift, start_logits, end_logits))
        if sum(logits.starts.size for logits in self._waiting) >= N_CELLS_AT_ONCE:
            self._read()

    def finish(self) -> Candidates:
        """Return the n-best of each example over the windows added."""
        self._read()
        return rank(self._kept, self._windows.example_index, self._null_score)

    def _shift(self, rows: Ints, n_columns: int) -> Ints:
        """Return the columns of padding before each window, (n_rows,)."""
        lengths = self._windows.lengths[rows]
        if lengths.max(initial=0) > n_columns:
            raise ValueError(
                f"logits must have a column for each token, but got {n_columns} columns for a "
                f"window of {lengths.max()} tokens"
            )
        return n_columns - lengths if self._side == "left" else np.zeros_like(rows)

    def _read(self) -> None:
        if not self._waiting:
            return
        logits, self._waiting = _joined(self._waiting), []
        self._add_null_scores(logits)
        self._mask(logits)
        self._keep(logits)

    def _mask(self, logits: "_Logits") -> None:
        """Set to -inf the starts before the context and the ends behind it: then so are all spans.

        An end before the context has no start that is left, nor has a start behind it an end.
        """
        column = np.arange(logits.starts.shape[1], dtype=np.int32)
        first, end = (
            (position[logits.rows] + logits.shift).astype(np.int32)[:, None]
            for position in (self._context_start, self._context_end)
        )
        np.copyto(logits.starts, -np.inf, where=column < first)
        np.copyto(logits.ends, -np.inf, where=column >= end)

    def _add_null_scores(self, logits: "_Logits") -> None:
        rows, each = logits.rows, np.arange(len(logits.rows))
        cls = self._windows.cls_index[rows] + logits.shift
        scores = logits.starts[each, cls].astype(np.float64) + logits.ends[each, cls]
        np.minimum.at(self._null_score, self._windows.example_index[rows], scores)

    def _keep(self, logits: "_Logits") -> None:
        score, first, last = best_token_spans(
            logits.starts, logits.ends, self._n_best, self._max_answer_length
        )
        token = (self._windows.row_starts[logits.rows] - logits.shift)[:, None]
        is_there = score > -np.inf  # where it is not, the columns may lie outside the window
        chars = self._windows.offsets
        start_char = chars[np.where(is_there, token + first, 0), 0]
        end_char = chars[np.where(is_there, token + last, 0), 1]
        is_there &= start_char < end_char  # else white space alone
        where = logits.rows, slice(score.shape[1])
        self._kept.score[where] = np.where(is_there, score, -np.inf)
        self._kept.start_char[where] = start_char
        self._kept.end_char[where] = end_char
        self._kept.n_tokens[where] = last - first + 1


@dataclass(frozen=True, eq=False)
class _Logits:
    """Logits of the windows `rows`, (n_rows, n_columns), `shift` columns of padding before each."""

    rows: Ints
    shift: Ints
    starts: Logits
    ends: Logits


def _joined(parts: Sequence[_Logits]) -> _Logits:
    """Return several batches as one, in arrays of its own, as wide as the widest."""
    return _Logits(
        rows=np.concatenate([part.rows for part in parts]),
        shift=np.concatenate([part.shift for part in parts]),
        starts=_finite(_stacked([part.starts for part in parts])),
        ends=_finite(_stacked([part.ends for part in parts])),
    )


def _stacked(parts: Sequence[Logits]) -> Logits:
    """Return the rows of all parts, in single precision or more: half has no room for low ones."""
    shape = sum(map(len, parts)), max(part.shape[1] for part in parts)
    rows = np.zeros(shape, dtype=np.result_type(np.float32, *parts))
    first = 0
    for part in parts:
        rows[first : first + len(part), : part.shape[1]] = part
        first += len(part)
    return rows


def best_token_spans(
    starts: Logits, ends: Logits, n_best: int, max_answer_length: int
) -> tuple[NDArray[np.float64], Ints, Ints]:
    """Return scores, first and last columns of each row's best spans, (n_rows, up to n_best) each.

    `starts` and `ends` are (n_rows, n_columns), and -inf where no span may start or end; spans have
    at most `max_answer_length` tokens. Within a row spans are ordered by start, then end, not by
    score; where a row has fewer spans, the score is -inf.
    """
    n_rows, n_columns = starts.shape
    n_ends = min(max_answer_length, n_columns)
    padded = np.full((n_rows, n_columns + n_ends - 1), -np.inf, dtype=ends.dtype)
    padded[:, :n_columns] = ends
    first, last, is_sure = _top_spans(starts, padded, n_best, n_ends)
    if not is_sure.all():
        # Sums of single precision are rounded, which keeps their order but may make them equal.
        unsure = np.flatnonzero(~is_sure)
        wide = starts[unsure].astype(np.float64), padded[unsure].astype(np.float64)
        first[unsure], last[unsure], _ = _top_spans(*wide, n_best, n_ends)
    each = np.arange(n_rows)[:, None]
    return starts[each, first].astype(np.float64) + padded[each, last], first, last


def _top_spans(starts: Logits, ends: Logits, n_best: int, n_ends: int) -> tuple[Ints, Ints, Bools]:
    """Return first and last columns of each row's best spans, and whether a row had no ties.

    `ends` have `n_ends` - 1 columns more than `starts`. A span among the n best has a start among
    the n starts whose own best span is best; so a sliding maximum over the ends finds the starts,
    and only their spans are compared.
    """
    n_rows = len(starts)
    with np.errstate(over="ignore"):  # of a diverged model: equal to infinity, hence not sure
        start, has_sure_starts = _top_columns(starts + _sliding_maximum(ends, n_ends), n_best)
        each = np.arange(n_rows)[:, None]
        in_reach = sliding_window_view(ends, n_ends, axis=1)[each, start]
        in_reach += starts[each, start][:, :, None]  # (n_rows, n_best, n_ends)
    top, has_sure_ends = _top_columns(in_reach.reshape(n_rows, -1), n_best)
    nth_start, nth_end = np.divmod(top, n_ends)
    first = start[each, nth_start]
    return first, first + nth_end, has_sure_starts & has_sure_ends


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


def _finite(logits: Logits) -> Logits:
    """Return logits without infinities and NaN, which a diverged model gives."""
    if np.isfinite(logits).all():
        return logits
    return np.nan_to_num(logits, nan=LOWEST_LOGIT, posinf=-LOWEST_LOGIT, neginf=LOWEST_LOGIT)


def _sliding_maximum(values: Logits, width: int) -> Logits:
    """Return the maximum of each value and the `width` - 1 behind it, by doubling.

    The last `width` - 1 values are not the first of so many, and have none.
    """
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        values = np.maximum(values[:, :-step], values[:, step:])
        reach += step
    return values


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
    return np.flatnonzero(kept).reshape(n_rows, n) % n_columns, is_sure
