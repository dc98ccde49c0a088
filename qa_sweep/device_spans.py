"""Device spans: the best spans of windows, found where their logits are.

A host that reads each batch's logits waits for the device each time, and leaves it without work
until it has read them. Here a batch's best spans are found by the device itself, and wait there
until there are some thousand windows' to be fetched together; nothing in between asks for a value.
They are those that `qa.spans` finds, ties included. Sums are of double precision, so that those
which single precision cannot tell apart need no second look.

Shapes
    n_rows      windows of one batch
    n_columns   tokens of the longest window of a batch, with padding
    n_best      spans of a window
    n_ends      ends in reach of a start
"""

import math
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad

from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.kept_spans import KeptSpans, TokenSpans
from qa_sweep.qa.positions import Positions, padding_before
from qa_sweep.qa.spans import LOWEST_LOGIT, SpanCollector
from qa_sweep.qa.windows import Rows, Side, Windows
from qa_sweep.transfer import to_device

# Numbers of 8 bytes that wait on the device, but for a batch's, whatever the number of windows:
# those of 17,000 windows with 20 spans each. Fetching them takes as much again, there and here.
N_VALUES_AT_ONCE = 2**20


class Spans(Protocol):
    """Takes tensors of logits batch by batch, and gives each example's n-best."""

    def add(self, rows: Rows, start_logits: torch.Tensor, end_logits: torch.Tensor) -> None:
        """Keep the best spans of the windows `rows`; logits are (n_rows, n_columns)."""

    def finish(self) -> Candidates:
        """Return the n-best of each example over the windows added."""


class SpansOnHost:
    """Logits go to the host, where NumPy finds the spans: on a CPU the quicker way."""

    def __init__(self, windows: Windows, n_best: int, max_answer_length: int) -> None:
        self._collector = SpanCollector(windows, n_best, max_answer_length)

    def add(self, rows: Rows, start_logits: torch.Tensor, end_logits: torch.Tensor) -> None:
        starts, ends = (logits.float().cpu().numpy() for logits in (start_logits, end_logits))
        self._collector.add(rows, starts, ends)

    def finish(self) -> Candidates:
        return self._collector.finish()


class SpansOnDevice:
    """The device finds the spans, and the host fetches them now and then."""

    def __init__(
        self, windows: Windows, n_best: int, max_answer_length: int, side: Side = "right"
    ) -> None:
        self._windows = windows
        self._n_best = n_best
        self._max_answer_length = max_answer_length
        self._side = side
        self._rows: list[NDArray[np.int64]] = []
        self._waiting: list[torch.Tensor] = []  # on the device, for each batch of `_rows`
        self._n_waiting = 0
        self._kept = KeptSpans(windows, n_best)

    def add(self, rows: Rows, start_logits: torch.Tensor, end_logits: torch.Tensor) -> None:
        """As `SpanCollector.add`, but the tensors may change afterwards."""
        numbers = np.asarray(rows, dtype=np.int64)
        shift = padding_before(self._windows, numbers, start_logits.shape[1], self._side)
        positions = Positions.of(self._windows, numbers, shift)
        each = np.stack(
            [positions.shift, positions.cls, positions.context_start, positions.context_end]
        )
        found = spans_of_logits(
            start_logits,
            end_logits,
            to_device(each, start_logits.device),
            self._n_best,
            self._max_answer_length,
        )
        self._rows.append(numbers)
        self._waiting.append(found)
        self._n_waiting += found.numel()
        if self._n_waiting >= N_VALUES_AT_ONCE:
            self._fetch()

    def finish(self) -> Candidates:
        self._fetch()
        return self._kept.candidates()

    def _fetch(self) -> None:
        if not self._waiting:
            return
        rows, found = np.concatenate(self._rows), torch.cat(self._waiting).cpu().numpy()
        self._rows, self._waiting, self._n_waiting = [], [], 0
        score, first, last = np.split(found[:, 1:], 3, axis=1)
        spans = TokenSpans(score, first.astype(np.int64), last.astype(np.int64), found[:, 0])
        self._kept.keep(rows, spans)


def spans_of_logits(
    start_logits: torch.Tensor,
    end_logits: torch.Tensor,
    positions: torch.Tensor,
    n_best: int,
    max_answer_length: int,
) -> torch.Tensor:
    """Return the null score, then scores, first and last tokens of each window's best spans.

    All that is in one tensor of double precision, (n_rows, 1 + 3 n_best), whose numbers are exact.
    Logits are (n_rows, n_columns), `positions` those of `Positions`, (4, n_rows).
    """
    starts, ends = _finite(start_logits), _finite(end_logits)
    shift, cls, context_start, context_end = positions[:, :, None]
    null_score = starts.gather(1, cls) + ends.gather(1, cls)
    column = torch.arange(starts.shape[1], device=starts.device)
    score, first, last = best_token_spans(
        starts.masked_fill(column < context_start, -math.inf),
        ends.masked_fill(column >= context_end, -math.inf),
        n_best,
        max_answer_length,
    )
    return torch.cat([null_score, score, first - shift, last - shift], dim=1)


def best_token_spans(
    starts: torch.Tensor, ends: torch.Tensor, n_best: int, max_answer_length: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what `qa.best_spans.best_token_spans` does, but always `n_best` columns.

    `starts` and `ends` are (n_rows, n_columns) and of double precision.
    """
    n_ends = min(max_answer_length, starts.shape[1])
    n_more = max(n_best - starts.shape[1], 0)  # columns without a span, to have as many starts
    starts = pad(starts, (0, n_more), value=-math.inf)
    in_reach = pad(ends, (0, n_more + n_ends - 1), value=-math.inf).unfold(1, n_ends, 1)
    start = _top_columns(starts + in_reach.amax(dim=2), n_best)
    their_ends = in_reach.gather(1, start[:, :, None].expand(-1, -1, n_ends))
    sums = (starts.gather(1, start)[:, :, None] + their_ends).flatten(1)
    top = _top_columns(sums, n_best)
    first = start.gather(1, top // n_ends)
    return sums.gather(1, top), first, first + top % n_ends


def _top_columns(values: torch.Tensor, n: int) -> torch.Tensor:
    """Return the columns of each row's `n` highest values, ascending, (n_rows, n).

    Of equal values the leftmost are taken, which `topk` leaves to chance.
    """
    best_first = values.sort(dim=1, descending=True, stable=True).indices
    return best_first[:, :n].sort(dim=1).values


def _finite(logits: torch.Tensor) -> torch.Tensor:
    """Return logits in double precision, and without infinities and NaN."""
    # Replaced in single precision, as NumPy does it, which rounds what stands for them.
    single = logits.float().nan_to_num(nan=LOWEST_LOGIT, posinf=-LOWEST_LOGIT, neginf=LOWEST_LOGIT)
    return single.double()
