"""From the tokens of questions and contexts to windows, without a tokenizer.

Questions and contexts are encoded once each, however many examples share them, and windows are put
together here. The result equals what a tokenizer returns for the pair with
`truncation="only_second"`, `stride` and `return_overflowing_tokens`.

Shapes
    n_texts     texts of one kind (questions, or contexts)
    n_examples  examples
    n_windows   windows of all examples together
"""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from qa_sweep.errors import ConfigError
from qa_sweep.qa.example import Example
from qa_sweep.qa.tokens import Template, Tokens, ragged_arange
from qa_sweep.qa.windows import Windows


def max_question_length(max_length: int, doc_stride: int, template: Template) -> int:
    """Return how many tokens a question may have.

    What is left holds `doc_stride` tokens of the context and a quarter of the rest, so that each
    window is a fair step ahead of the one before. Raises ConfigError where that is impossible.
    """
    fresh = max(1, (max_length - doc_stride) // 4)
    room = max_length - template.n_special - doc_stride - fresh
    if room < 1:
        raise ConfigError(
            f"data.max_length must leave room for special tokens, question and data.doc_stride, "
            f"but got {max_length} with a doc_stride of {doc_stride}; raise data.max_length or "
            f"lower data.doc_stride"
        )
    return room


def make_windows(
    examples: Sequence[Example],
    questions: Tokens,
    contexts: Tokens,
    template: Template,
    max_length: int,
    doc_stride: int,
) -> Windows:
    """Cut each example into windows of at most `max_length` tokens that share `doc_stride` tokens.

    `questions` and `contexts` hold the distinct texts of `examples` in order of first occurrence;
    no question is longer than `max_question_length`. The first reference is the training answer.
    An answer of at most `doc_stride + 1` tokens is whole in at least one window.
    """
    question = _text_index(example.question for example in examples)
    context = _text_index(example.context for example in examples)
    n_context = contexts.lengths[context]
    room = max_length - template.n_special - questions.lengths[question]
    step = room - doc_stride
    n_windows = 1 + np.maximum(0, -(-(n_context - room) // step))

    example = np.repeat(np.arange(len(examples)), n_windows)
    nth = np.arange(len(example)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    first = nth * step[example]  # context token at which a window starts
    n_taken = np.minimum(room[example], n_context[example] - first)

    pool = _Pool(template, questions, contexts)
    starts, lengths = pool.segments(question[example], context[example], first, n_taken)
    index = ragged_arange(starts.ravel(), lengths.ravel())
    row_starts = np.concatenate(([0], np.cumsum(lengths.sum(axis=1))))
    cls_index = _cls_index(template, lengths)
    labels = _labels(answer_tokens(examples, contexts, context)[example], first, n_taken)
    labels = np.where(labels >= 0, labels + lengths[:, :3].sum(axis=1)[:, None], cls_index[:, None])
    return Windows(
        input_ids=pool.ids[index],
        token_types=pool.types[index],
        offsets=pool.offsets[index],
        row_starts=row_starts,
        example_index=example.astype(np.int32),
        cls_index=cls_index,
        start_labels=labels[:, 0].astype(np.int32),
        end_labels=labels[:, 1].astype(np.int32),
    )


def answer_tokens(
    examples: Sequence[Example], contexts: Tokens, context: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the first and last context token of each example's first reference, (n_examples, 2).

    (-1, -1) where there is no reference, or no token under it. `context` (n_examples,) is the row
    of each example in `contexts`.
    """
    chars = np.array(
        [(e.references[0].start, e.references[0].end) if e.references else (0, 0) for e in examples]
    ).reshape(-1, 2)
    # One sorted array for all contexts: character positions, each context's above the last one's.
    base = int(max(contexts.offsets.max(initial=0), chars.max(initial=0))) + 1
    floor = np.repeat(np.arange(len(contexts.lengths)) * base, contexts.lengths)
    token_starts, token_ends = (
        np.maximum.accumulate(contexts.offsets[:, edge] + floor) for edge in (0, 1)
    )
    first = np.searchsorted(token_ends, context * base + chars[:, 0], side="right")
    last = np.searchsorted(token_starts, context * base + chars[:, 1], side="left") - 1
    is_there = (chars[:, 1] > 0) & (first <= last)
    tokens = np.stack([first, last], axis=1) - contexts.row_starts[context][:, None]
    return np.where(is_there[:, None], tokens, -1)


def _labels(
    answers: NDArray[np.int64], first: NDArray[np.int64], n_taken: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return answers (n_windows, 2) counted from the window's first context token, -1 if absent."""
    labels = answers - first[:, None]
    is_whole = (answers[:, 0] >= 0) & (labels[:, 0] >= 0) & (labels[:, 1] < n_taken)
    return np.where(is_whole[:, None], labels, -1)


def _cls_index(template: Template, lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the position of the CLS token, (n_windows,); 0 where the template has none."""
    for segment, ids in zip((0, 2, 4), template.ids, strict=True):
        if template.cls_id in ids:
            before = lengths[:, :segment].sum(axis=1)
            return (before + ids.index(template.cls_id)).astype(np.int32)
    return np.zeros(len(lengths), dtype=np.int32)


class _Pool:
    """Special tokens, questions and contexts in one flat array, from which windows are gathered."""

    def __init__(self, template: Template, questions: Tokens, contexts: Tokens) -> None:
        n_question, n_context = len(questions.ids), len(contexts.ids)
        special = list(chain.from_iterable(template.ids))
        special_types = list(chain.from_iterable(template.types))
        outside = np.full((len(special) + n_question, 2), -1, dtype=np.int32)
        types = np.repeat([template.question_type, template.context_type], [n_question, n_context])
        self.ids = np.concatenate([np.array(special, np.int32), questions.ids, contexts.ids])
        self.types = np.concatenate([special_types, types]).astype(np.int8)
        self.offsets = np.concatenate([outside, contexts.offsets])
        self._special_lengths = np.array([len(ids) for ids in template.ids])
        self._question_starts = len(special) + questions.row_starts
        self._question_lengths = questions.lengths
        self._context_starts = len(special) + n_question + contexts.row_starts

    def segments(
        self,
        question: NDArray[np.int64],
        context: NDArray[np.int64],
        first: NDArray[np.int64],
        n_taken: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the starts and lengths of each window's five segments, both (n_windows, 5)."""
        starts = np.zeros((len(question), 5), dtype=np.int64)
        lengths = np.zeros_like(starts)
        starts[:, ::2] = np.cumsum(self._special_lengths) - self._special_lengths
        lengths[:, ::2] = self._special_lengths
        starts[:, 1], lengths[:, 1] = (
            self._question_starts[question],
            self._question_lengths[question],
        )
        starts[:, 3], lengths[:, 3] = self._context_starts[context] + first, n_taken
        return starts, lengths


def _text_index(texts: Iterable[str]) -> NDArray[np.int64]:
    """Return for each text its number among the distinct texts, in order of first occurrence."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)
