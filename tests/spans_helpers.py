"""Windows, logits for them, and their n-best by trying all spans."""

import numpy as np
from hypothesis import strategies as st

from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.windows import Windows

LEADING = 3  # tokens before the context: CLS, question, separator


def windows_of(n_tokens: list[list[int]], stride: int = 1) -> Windows:
    """Return windows with so many context tokens each, for each example.

    Token `t` of a context spans the characters 3t to 3t + 2; windows share `stride` tokens.
    """
    offsets, lengths, example_index = [], [], []
    for example, sizes in enumerate(n_tokens):
        first = 0
        for size in sizes:
            chars = [(3 * t, 3 * t + 2) for t in range(first, first + size)]
            offsets += [(-1, -1)] * LEADING + chars + [(-1, -1)]
            lengths.append(LEADING + size + 1)
            example_index.append(example)
            first += max(size - stride, 1)
    n = sum(lengths)
    cls = np.zeros(len(lengths), np.int32)
    return Windows(
        input_ids=np.ones(n, np.int32),
        token_types=np.zeros(n, np.int8),
        offsets=np.array(offsets, np.int32),
        row_starts=np.append(0, np.cumsum(lengths)),
        example_index=np.array(example_index, np.int32),
        cls_index=cls,
        start_labels=cls,
        end_labels=cls,
    )


def brute_force(windows, starts, ends, example, n_best, max_answer_length):
    """Return (score, start, end) of an example's best spans, by trying all of them."""
    best: dict[tuple[int, int], float] = {}
    for row in np.flatnonzero(windows.example_index == example):
        first, n = windows.row_starts[row], windows.lengths[row]
        for s in range(LEADING, n - 1):
            for e in range(s, min(s + max_answer_length, n - 1)):
                span = (int(windows.offsets[first + s, 0]), int(windows.offsets[first + e, 1]))
                score = float(starts[row, s]) + float(ends[row, e])
                best[span] = max(score, best.get(span, -np.inf))
    ranked = sorted((-score, start, end) for (start, end), score in best.items())
    return [(-score, start, end) for score, start, end in ranked[:n_best]]


def found(candidates: Candidates, example: int) -> list[tuple[float, int, int]]:
    part = candidates.of(example)
    return list(
        zip(
            candidates.score[part].tolist(),
            candidates.start_char[part].tolist(),
            candidates.end_char[part].tolist(),
            strict=True,
        )
    )


def on_side(windows: Windows, rows, logits: np.ndarray, side: str) -> np.ndarray:
    """Return the logits of `rows`, which have their padding on the right, with it on `side`."""
    n_columns = logits.shape[1]
    shifts = n_columns - windows.lengths[rows] if side == "left" else [0] * len(rows)
    return np.stack([np.roll(logits[row], shift) for row, shift in zip(rows, shifts, strict=True)])


sizes = st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=3), min_size=1, max_size=4)
# Few distinct values, so that ties are the rule.
values = st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 3.0])


@st.composite
def problems(draw: st.DrawFn):
    windows = windows_of(draw(sizes))
    shape = (len(windows), int(windows.lengths.max()) + draw(st.integers(0, 2)))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    pool = draw(st.lists(values, min_size=1, max_size=6))
    starts, ends = (random.choice(pool, shape).astype(np.float32) for _ in range(2))
    return windows, starts, ends
