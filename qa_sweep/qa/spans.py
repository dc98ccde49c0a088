"""Spans: from start and end logits to the best candidate answers of each example.

Shapes
    n_rows      windows of one batch
    n_columns   tokens of the longest window of a batch, with padding
    n_best      candidates kept of a window, and later of an example
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.best_spans import best_token_spans
from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.kept_spans import KeptSpans, TokenSpans
from qa_sweep.qa.positions import Positions, padding_before
from qa_sweep.qa.windows import Rows, Side, Windows

Logits = NDArray[np.floating]
Ints = NDArray[np.int64]

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
        self._waiting: list[_Logits] = []
        self._kept = KeptSpans(windows, n_best)

    def add(self, rows: Rows, start_logits: Logits, end_logits: Logits) -> None:
        """Keep the best spans of the windows `rows`; logits are (n_rows, n_columns).

        The logits' padding must lie on the collector's `side`; what they say there is ignored, and
        so is what they say of tokens outside the context. Rows may come in any order. The arrays
        are read later, and must stay as they are until `finish`.
        Raises ValueError where a window is longer than `n_columns`.
        """
        numbers = np.asarray(rows, dtype=np.int64)
        if not len(numbers):
            return
        shift = padding_before(self._windows, numbers, start_logits.shape[1], self._side)
        self._waiting.append(_Logits(numbers, shift, start_logits, end_logits))
        if sum(logits.starts.size for logits in self._waiting) >= N_CELLS_AT_ONCE:
            self._read()

    def finish(self) -> Candidates:
        """Return the n-best of each example over the windows added."""
        self._read()
        return self._kept.candidates()

    def _read(self) -> None:
        if not self._waiting:
            return
        logits, self._waiting = _joined(self._waiting, self._max_answer_length), []
        positions = Positions.of(self._windows, logits.rows, logits.shift)
        null_score = _null_scores(logits, positions)
        _mask(logits, positions)
        score, first, last = best_token_spans(logits.starts, logits.ends, self._n_best)
        shift = logits.shift[:, None]
        found = TokenSpans(score, first - shift, last - shift, null_score)
        self._kept.keep(logits.rows, found)


@dataclass(frozen=True, eq=False)
class _Logits:
    """Logits of the windows `rows`, `shift` columns of padding before each."""

    rows: Ints
    shift: Ints
    starts: Logits  # (n_rows, n_columns)
    ends: Logits  # (n_rows, n_columns), or with more behind, where none may end


def _joined(parts: Sequence[_Logits], max_answer_length: int) -> _Logits:
    """Return several batches as one, in arrays of its own, as wide as the widest.

    The ends have columns behind these, so that each start has as many ends in reach.
    """
    n_columns = max(part.starts.shape[1] for part in parts)
    n_behind = min(max_answer_length, n_columns) - 1
    return _Logits(
        rows=np.concatenate([part.rows for part in parts]),
        shift=np.concatenate([part.shift for part in parts]),
        starts=_finite(_stacked([part.starts for part in parts], n_columns)),
        ends=_finite(_stacked([part.ends for part in parts], n_columns + n_behind)),
    )


def _stacked(parts: Sequence[Logits], n_columns: int) -> Logits:
    """Return the rows of all parts, in single precision or more: half has no room for low ones."""
    shape = sum(map(len, parts)), n_columns
    rows = np.empty(shape, dtype=np.result_type(np.float32, *parts))
    first = 0
    for part in parts:
        of_part = rows[first : first + len(part)]
        of_part[:, : part.shape[1]] = part
        of_part[:, part.shape[1] :] = 0
        first += len(part)
    return rows


def _finite(logits: Logits) -> Logits:
    """Return logits without infinities and NaN, which a diverged model gives."""
    if np.isfinite(logits).all():
        return logits
    return np.nan_to_num(logits, nan=LOWEST_LOGIT, posinf=-LOWEST_LOGIT, neginf=LOWEST_LOGIT)


def _null_scores(logits: _Logits, positions: Positions) -> NDArray[np.float64]:
    """Return the score of "no answer" in each window, (n_rows,)."""
    each = np.arange(len(logits.rows))
    return logits.starts[each, positions.cls].astype(np.float64) + logits.ends[each, positions.cls]


def _mask(logits: _Logits, positions: Positions) -> None:
    """Set to -inf the starts before the context and the ends behind it: then so are all spans.

    An end before the context has no start that is left, nor has a start behind it an end.
    """
    first, end = positions.context_start, positions.context_end
    before, behind = logits.starts[:, : first.max()], logits.ends[:, end.min() :]
    np.copyto(before, -np.inf, where=np.arange(before.shape[1]) < first[:, None])
    np.copyto(behind, -np.inf, where=np.arange(behind.shape[1]) >= end[:, None] - end.min())
