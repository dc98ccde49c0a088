"""Kept spans: what remains of the windows' logits until it becomes each example's n-best.

Who finds the best spans of a window, on the host or on the device where its logits are, leaves them
here.

Shapes
    n_rows      windows of one batch
    n_spans     spans found of a window, at most as many as are kept
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.candidates import Candidates, WindowSpans, rank
from qa_sweep.qa.windows import Windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TokenSpans:
    """The best spans of some windows; tokens are counted from a window's first.

    Where the score is -inf there is no span, and its tokens mean nothing.
    """

    score: Floats  # (n_rows, n_spans)
    first: Ints  # (n_rows, n_spans)
    last: Ints  # (n_rows, n_spans)
    null_score: Floats  # (n_rows,), of "no answer"


class KeptSpans:
    """Takes the best spans of windows, batch by batch, and gives each example's n-best."""

    def __init__(self, windows: Windows, n_best: int) -> None:
        self._windows = windows
        self._spans = WindowSpans.none(len(windows), n_best)
        self._null_score = np.full(windows.n_examples, np.inf)

    def keep(self, rows: Ints, found: TokenSpans) -> None:
        """Keep what was found of the windows `rows`."""
        examples = self._windows.example_index[rows]
        np.minimum.at(self._null_score, examples, found.null_score)
        token = self._windows.row_starts[rows][:, None]
        is_there = found.score > -np.inf  # where it is not, the tokens may lie outside the window
        chars = self._windows.offsets
        start_char = chars[np.where(is_there, token + found.first, 0), 0]
        end_char = chars[np.where(is_there, token + found.last, 0), 1]
        is_there &= start_char < end_char  # else white space alone
        where = rows, slice(found.score.shape[1])
        self._spans.score[where] = np.where(is_there, found.score, -np.inf)
        self._spans.start_char[where] = start_char
        self._spans.end_char[where] = end_char
        self._spans.n_tokens[where] = found.last - found.first + 1

    def candidates(self) -> Candidates:
        """Return the n-best of each example over the windows seen."""
        return rank(self._spans, self._windows.example_index, self._null_score)
