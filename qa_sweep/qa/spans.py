"""Spans: from start and end logits to the best candidate answers of each example.

The n-best is exact: no span that the limits allow has a higher score than one that is returned.
Choosing the best starts and the best ends apart, as the example scripts do, may find none at all
(every good end before every good start) and forgets pairs that are good together.

Shapes
    n_rows      windows of one batch
    n_columns   tokens of the longest window of a batch, with padding
    n_best      candidates kept of a window, and later of an example
    n_ends      ends in reach of a start: `max_answer_length`, or fewer columns
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qa_sweep.qa.windows import Rows, Side, Windows, token_index

Logits = NDArray[np.floating]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Stands for a logit that is not a number or infinite: below all others, yet sums stay finite.
LOWEST_LOGIT = -1e30


@dataclass(frozen=True, eq=False)
class Candidates:
    """The n-best of each example, best first; those of example `i` are `row_starts[i:i + 2]`.

    An example has none where no window of it was seen.
    """

    row_starts: NDArray[np.int64]  # (n_examples + 1,)
    score: Floats  # (n_candidates,), sum of the start and the end logit
    start_char: NDArray[np.int32]  # (n_candidates,), half-open span in the context
    end_char: NDArray[np.int32]  # (n_candidates,)
    probability: Floats  # (n_candidates,), softmax of the scores over the example's n-best
    null_score: Floats  # (n_examples,), score of "no answer"; inf where no window was seen

    def __len__(self) -> int:
        return len(self.null_score)

    def of(self, example: int) -> slice:
        """Return where the candidates of an example lie in the arrays."""
        return slice(int(self.row_starts[example]), int(self.row_starts[example + 1]))

    def best_texts(self, contexts: Sequence[str]) -> list[str]:
        """Return the best candidate's text of each example, "" where there is no candidate."""
        return [
            context[self.start_char[first] : self.end_char[first]] if first < last else ""
            for context, first, last in zip(
                contexts, self.row_starts[:-1], self.row_starts[1:], strict=True
            )
        ]


class SpanCollector:
    """Takes logits batch by batch, keeps each window's best spans, and gives each example's.

    Of a window there remain `n_best` scores and spans, so that logits are never held together.
    Ties: the higher score, then the earlier start, then the shorter span.
    """

    def __init__(
        self, windows: Windows, n_best: int, max_answer_length: int, side: Side = "right"
    ) -> None:
        self._windows = windows
        self._n_best = n_best
        self._max_answer_length = max_answer_length
        self._side = side
        self._in_context = windows.in_context
        self._kept: list[_Spans] = []
        self._null_score = np.full(windows.n_examples, np.inf)

    def add(self, rows: Rows, start_logits: Logits, end_logits: Logits) -> None:
        """Keep the best spans of the windows `rows`; logits are (n_rows, n_columns).

        The logits' padding must lie on the collector's `side`; what they say there is ignored, and
        so is what they say of tokens outside the context. Rows may come in any order.
        """
        rows = np.asarray(rows, dtype=np.int64)
        index, is_token = token_index(self._windows, rows, start_logits.shape[1], self._side)
        in_context = is_token & self._in_context[index]
        starts, ends = _finite(start_logits), _finite(end_logits)
        self._add_null_scores(rows, starts, ends)
        self._kept.append(self._best_spans(rows, index, starts, ends, in_context))

    def finish(self) -> Candidates:
        """Return the n-best of each example over the windows added."""
        spans = _unique(_concatenate(self._kept))
        rank = np.arange(len(spans.score)) - _first_of_run(spans.example)
        spans = spans.take(rank < self._n_best)
        n_candidates = np.bincount(spans.example, minlength=len(self._null_score))
        row_starts = np.append(0, np.cumsum(n_candidates))
        return Candidates(
            row_starts=row_starts,
            score=spans.score,
            start_char=spans.start_char,
            end_char=spans.end_char,
            probability=_softmax(spans.score, spans.example, row_starts),
            null_score=self._null_score,
        )

    def _add_null_scores(self, rows: NDArray[np.integer], starts: Floats, ends: Floats) -> None:
        windows, each = self._windows, np.arange(len(rows))
        shift = starts.shape[1] - windows.lengths[rows] if self._side == "left" else 0
        cls = windows.cls_index[rows] + shift
        np.minimum.at(
            self._null_score, windows.example_index[rows], starts[each, cls] + ends[each, cls]
        )

    def _best_spans(
        self,
        rows: NDArray[np.integer],
        index: NDArray[np.int64],
        starts: Floats,
        ends: Floats,
        in_context: Bools,
    ) -> "_Spans":
        starts = np.where(in_context, starts, -np.inf)
        ends = np.where(in_context, ends, -np.inf)
        score, start, end = best_token_spans(starts, ends, self._n_best, self._max_answer_length)
        row, nth = np.nonzero(score > -np.inf)
        first, last = index[row, start[row, nth]], index[row, end[row, nth]]
        spans = _Spans(
            example=self._windows.example_index[rows[row]],
            score=score[row, nth],
            start_char=self._windows.offsets[first, 0],
            end_char=self._windows.offsets[last, 1],
        )
        return spans.take(spans.start_char < spans.end_char)  # else white space alone


def best_token_spans(
    starts: Floats, ends: Floats, n_best: int, max_answer_length: int
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return scores, first and last columns of each row's best spans, (n_rows, up to n_best) each.

    `starts` and `ends` are (n_rows, n_columns) and -inf outside the context; spans have at most
    `max_answer_length` tokens. Within a row spans are ordered by start, then end, not by score;
    where a row has fewer spans, the score is -inf.

    A span among the n best has a start among the n starts whose own best span is best; so a sliding
    maximum over the ends finds the starts, and only their spans are compared.
    """
    n_rows, n_columns = starts.shape
    n_ends = min(max_answer_length, n_columns)
    ends = np.pad(ends, ((0, 0), (0, n_ends - 1)), constant_values=-np.inf)
    start = _top_columns(starts + _sliding_maximum(ends, n_ends), n_best)
    each = np.arange(n_rows)[:, None]
    in_reach = sliding_window_view(ends, n_ends, axis=1)[each, start]  # (n_rows, n_best, n_ends)
    scores = (in_reach + starts[each, start][:, :, None]).reshape(n_rows, -1)
    top = _top_columns(scores, n_best)
    nth_start, nth_end = np.divmod(top, n_ends)
    first = start[each, nth_start]
    return scores[each, top], first, first + nth_end


def _finite(logits: Logits) -> Floats:
    """Return logits as float64 without infinities and NaN, which a diverged model gives."""
    wide = logits.astype(np.float64)
    if np.isfinite(wide).all():
        return wide
    return np.nan_to_num(wide, nan=LOWEST_LOGIT, posinf=-LOWEST_LOGIT, neginf=LOWEST_LOGIT)


def _sliding_maximum(values: Floats, width: int) -> Floats:
    """Return the maximum of each value and the `width` - 1 behind it, by doubling.

    The last `width` - 1 values are not the first of so many, and have none.
    """
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        values = np.maximum(values[:, :-step], values[:, step:])
        reach += step
    return values


def _top_columns(values: Floats, n: int) -> NDArray[np.int64]:
    """Return the columns of each row's `n` highest values, ascending, (n_rows, at most n).

    Of equal values the leftmost are taken, which a partition alone would leave to chance.
    """
    n_rows, n_columns = values.shape
    n = min(n, n_columns)
    lowest = np.partition(values, n_columns - n, axis=1)[:, n_columns - n, None]
    kept = values >= lowest
    if np.count_nonzero(kept) > n_rows * n:  # ties at the end of some row's n
        equal = values == lowest
        n_equal = n - (kept & ~equal).sum(axis=1, keepdims=True)
        kept &= ~equal | (np.cumsum(equal, axis=1) <= n_equal)
    return np.flatnonzero(kept).reshape(n_rows, n) % n_columns


@dataclass(frozen=True, eq=False)
class _Spans:
    """Spans of any examples, each array (n_spans,)."""

    example: NDArray[np.int32]
    score: Floats
    start_char: NDArray[np.int32]
    end_char: NDArray[np.int32]

    def take(self, which: NDArray[np.int64] | Bools) -> "_Spans":
        return _Spans(
            self.example[which], self.score[which], self.start_char[which], self.end_char[which]
        )


def _concatenate(parts: Sequence[_Spans]) -> _Spans:
    return _Spans(
        example=np.concatenate([part.example for part in parts] or [np.empty(0, np.int32)]),
        score=np.concatenate([part.score for part in parts] or [np.empty(0)]),
        start_char=np.concatenate([part.start_char for part in parts] or [np.empty(0, np.int32)]),
        end_char=np.concatenate([part.end_char for part in parts] or [np.empty(0, np.int32)]),
    )


def _unique(spans: _Spans) -> _Spans:
    """Return spans by example and rank, the same characters of an example once, at their best."""
    # One key for both ends: its order is the earlier start, then the shorter span.
    characters = spans.start_char.astype(np.int64) << 32 | spans.end_char
    order = np.lexsort((characters, -spans.score, spans.example))
    spans, characters = spans.take(order), characters[order]
    by_span = np.lexsort((characters, spans.example))  # stable: of equal spans the best is first
    is_new = np.append(True, np.diff(characters[by_span]) != 0)[: len(by_span)]
    is_new[1:] |= np.diff(spans.example[by_span]) != 0
    return spans.take(np.sort(by_span[is_new]))


def _first_of_run(values: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return for each value of a sorted array the position of its first equal."""
    return np.searchsorted(values, values, side="left")


def _softmax(scores: Floats, example: NDArray[np.int32], row_starts: NDArray[np.int64]) -> Floats:
    weights = np.exp(scores - scores[row_starts[example]])  # best first, so this is the maximum
    return weights / np.bincount(example, weights, minlength=len(row_starts) - 1)[example]
