"""Logits as a model might give them, for windows as long as they may be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.windows import Windows

MAX_LENGTH, DOC_STRIDE, N_QUESTION = 384, 128, 12  # tokens
CHARS_OF_TOKEN = 4  # "abc " again and again

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Problem:
    """Windows and what a model might say of them."""

    windows: Windows
    contexts: list[str]
    start_logits: Floats  # (n_windows, MAX_LENGTH)
    end_logits: Floats
    offsets: list[list[tuple[int, int] | None]]  # by window and token, as the loop wants them


def make_problem(n_windows: int, seed: int = 0) -> Problem:
    """Examples of one or two full windows; each window has an answer that stands out."""
    random = np.random.default_rng(seed)
    n_room = MAX_LENGTH - N_QUESTION - 3  # tokens of context: CLS and two separators
    example_index, first_token = [], []
    while len(example_index) < n_windows:
        for nth in range(1 + int(random.random() < 0.3)):
            example_index.append(example_index[-1] + (nth == 0) if example_index else 0)
            first_token.append(nth * (n_room - DOC_STRIDE))
    example_index, first_token = example_index[:n_windows], first_token[:n_windows]
    windows = _windows(np.array(example_index), np.array(first_token), n_room)
    n_tokens = int(max(first_token)) + n_room
    contexts = ["abc " * n_tokens] * windows.n_examples
    starts, ends = (
        random.normal(-6, 2, (n_windows, MAX_LENGTH)).astype(np.float32) for _ in range(2)
    )
    at = random.integers(N_QUESTION + 2, MAX_LENGTH - 6, n_windows)
    each = np.arange(n_windows)
    starts[each, at] += random.uniform(4, 14, n_windows).astype(np.float32)
    ends[each, at + random.integers(0, 5, n_windows)] += random.uniform(4, 14, n_windows)
    offsets = [
        [(int(s), int(e)) if s >= 0 else None for s, e in rows]
        for rows in windows.offsets.reshape(n_windows, MAX_LENGTH, 2)
    ]
    return Problem(windows, contexts, starts, ends, offsets)


def _windows(example: NDArray[np.int64], first: NDArray[np.int64], n_room: int) -> Windows:
    n_windows = len(example)
    offsets = np.full((n_windows, MAX_LENGTH, 2), -1, np.int32)
    token = first[:, None] + np.arange(n_room)
    offsets[:, N_QUESTION + 2 : -1, 0] = CHARS_OF_TOKEN * token
    offsets[:, N_QUESTION + 2 : -1, 1] = CHARS_OF_TOKEN * token + CHARS_OF_TOKEN - 1
    n_tokens, cls = n_windows * MAX_LENGTH, np.zeros(n_windows, np.int32)
    return Windows(
        input_ids=np.ones(n_tokens, np.int32),
        token_types=np.zeros(n_tokens, np.int8),
        offsets=offsets.reshape(-1, 2),
        row_starts=np.arange(n_windows + 1) * MAX_LENGTH,
        example_index=example.astype(np.int32),
        cls_index=cls,
        start_labels=cls,
        end_labels=cls,
    )
