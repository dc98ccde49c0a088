"""Candidates: the n-best spans of each example, put together from those of its windows.

Shapes
    n_windows     windows of all examples together
    n_examples    examples
    n_best        spans kept of a window, and candidates of an example at most
    n_candidates  candidates of all examples together
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Cells = NDArray[np.int64]  # of a two-dimensional array, row by row


@dataclass(frozen=True, eq=False)
class Candidates:
    """The n-best of each example, best first; those of example `i` are `row_starts[i:i + 2]`.

    An example has none where no window of it was seen.
    """

    row_starts: NDArray[np.int64]  # (n_examples + 1,)
    score: Floats  # (n_candidates,), sum of the start and the end logit
    start_char: Ints  # (n_candidates,), half-open span in the context
    end_char: Ints  # (n_candidates,)
    n_tokens: Ints  # (n_candidates,), length of the span
    probability: Floats  # (n_candidates,), softmax of the scores over the example's n-best
    null_score: Floats  # (n_examples,), score of "no answer"; inf where no window was seen
    n_windows: NDArray[np.int64]  # (n_examples,)

    def __len__(self) -> int:
        return len(self.null_score)

    @property
    def example(self) -> NDArray[np.int64]:
        """The example of each candidate, (n_candidates,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.row_starts))

    def of(self, example: int) -> slice:
        """Return where the candidates of an example lie in the arrays."""
        return slice(int(self.row_starts[example]), int(self.row_starts[example + 1]))

    def padded(self, values: NDArray, filler: float) -> NDArray:
        """Return one row an example of `values` (n_candidates,), short rows ended by `filler`."""
        n_of_example = np.diff(self.row_starts)
        width = int(n_of_example.max(initial=1))
        rows = np.full((len(self), width), filler, dtype=values.dtype)
        rows[np.arange(width) < n_of_example[:, None]] = values
        return rows

    def texts(self, which: NDArray[np.integer], contexts: Sequence[str]) -> list[str]:
        """Return the text of one candidate an example, "" where `which` (n_examples,) is -1."""
        starts, ends = self.start_char[which].tolist(), self.end_char[which].tolist()
        return [
            context[start:end] if chosen >= 0 else ""
            for context, chosen, start, end in zip(
                contexts, which.tolist(), starts, ends, strict=True
            )
        ]

    def best_texts(self, contexts: Sequence[str]) -> list[str]:
        """Return the best candidate's text of each example, "" where there is no candidate."""
        if not len(self.score):
            return [""] * len(contexts)
        first, last = self.row_starts[:-1], self.row_starts[1:]
        return self.texts(np.where(first < last, first, -1), contexts)


@dataclass(frozen=True, eq=False)
class WindowSpans:
    """Spans of each window, all arrays (n_windows, n_best); the score is -inf where there is none.

    They stand in any order.
    """

    score: Floats
    start_char: Ints
    end_char: Ints
    n_tokens: Ints

    @classmethod
    def none(cls, n_windows: int, n_best: int) -> "WindowSpans":
        shape = (n_windows, n_best)
        zeros = (np.zeros(shape, np.int32) for _ in range(3))
        return cls(np.full(shape, -np.inf), *zeros)

    def of_examples(self, windows: NDArray[np.int64]) -> "WindowSpans":
        """Return the spans of several windows an example as one row; `windows` is 2-D."""
        n_examples = len(windows)
        return WindowSpans(
            self.score[windows].reshape(n_examples, -1),
            self.start_char[windows].reshape(n_examples, -1),
            self.end_char[windows].reshape(n_examples, -1),
            self.n_tokens[windows].reshape(n_examples, -1),
        )


def rank(spans: WindowSpans, example_index: Ints, null_score: Floats) -> Candidates:
    """Return the n-best of each example; `example_index` (n_windows,) never decreases.

    The same characters in several windows are one candidate, at their best. Ties: the earlier
    start, then the shorter span.
    """
    n_windows = np.bincount(example_index, minlength=len(null_score))
    first_window = np.cumsum(n_windows) - n_windows
    best = WindowSpans.none(len(n_windows), spans.score.shape[1])
    for n in np.unique(n_windows):  # rows of one length at a time need no padding
        members = np.flatnonzero(n_windows == n)
        windows = first_window[members][:, None] + np.arange(n)
        _rank_rows(spans.of_examples(windows), members, best)
    is_there = np.flatnonzero(best.score > -np.inf)
    row_starts = np.searchsorted(is_there, np.arange(len(best.score) + 1) * best.score.shape[1])
    score = np.take(best.score, is_there)
    return Candidates(
        row_starts=row_starts,
        score=score,
        start_char=np.take(best.start_char, is_there),
        end_char=np.take(best.end_char, is_there),
        n_tokens=np.take(best.n_tokens, is_there),
        probability=_softmax(score, row_starts),
        null_score=null_score,
        n_windows=n_windows,
    )


def _rank_rows(spans: WindowSpans, members: NDArray[np.int64], best: WindowSpans) -> None:
    """Write the n-best of each row of `spans` to the rows `members` of `best`."""
    n_rows, n_columns = spans.score.shape
    row_starts = np.arange(n_rows)[:, None] * n_columns
    # One key for both ends: its order is the earlier start, then the shorter span.
    characters = spans.start_char.astype(np.int64) << 32 | spans.end_char
    cells, score = row_starts + np.arange(n_columns), spans.score
    if not (characters[:, 1:] > characters[:, :-1]).all():
        cells = _by_characters(characters, score, row_starts)
        characters, score = np.take(characters, cells), np.take(score, cells)
        score[:, 1:][characters[:, 1:] == characters[:, :-1]] = -np.inf  # the first is the best
    by_score = _by_score(score, row_starts)[:, : best.score.shape[1]]
    cells = np.take(cells, by_score)
    where = members, slice(cells.shape[1])
    best.score[where] = np.take(score, by_score)
    best.start_char[where] = np.take(spans.start_char, cells)
    best.end_char[where] = np.take(spans.end_char, cells)
    best.n_tokens[where] = np.take(spans.n_tokens, cells)


def _by_characters(characters: Cells, score: Floats, row_starts: Cells) -> Cells:
    """Return the cells of each row by their characters, equal ones by falling score.

    All are (n_rows, n_columns), but `row_starts` (n_rows, 1), each row's first cell. Each window's
    spans have their order, which a stable sort merges quickly; scores take far longer.
    """
    cells = row_starts + np.argsort(characters, axis=1, kind="stable")
    ordered = np.take(characters, cells)
    rows = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    cells[rows] = row_starts[rows] + np.lexsort((-score[rows], characters[rows]), axis=-1)
    return cells


def _by_score(score: Floats, row_starts: Cells) -> Cells:
    """Return the cells of each row by falling score, equal ones as they stand, but for -inf.

    Shapes are those of `_by_characters`. A sort that is not stable is quicker, and equal scores are
    rare.
    """
    cells = row_starts + np.argsort(-score, axis=1)
    ordered = np.take(score, cells)
    is_equal = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > -np.inf)
    rows = np.flatnonzero(is_equal.any(axis=1))
    cells[rows] = row_starts[rows] + np.argsort(-score[rows], axis=1, kind="stable")
    return cells


def _softmax(scores: Floats, row_starts: NDArray[np.int64]) -> Floats:
    """Return the softmax of each row of `scores` (n_candidates,), which has its maximum first."""
    n_rows = len(row_starts) - 1
    row = np.repeat(np.arange(n_rows), np.diff(row_starts))
    weights = np.exp(scores - scores[row_starts[row]])
    return weights / np.bincount(row, weights, minlength=n_rows)[row]
