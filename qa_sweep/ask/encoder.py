"""Encoder: from questions and contexts to windows; a context is encoded once, then remembered."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qa_sweep.data.preparation import encode
from qa_sweep.model import Reader
from qa_sweep.qa.encoding import make_windows, max_question_length
from qa_sweep.qa.example import Example
from qa_sweep.qa.tokens import Template, Tokens
from qa_sweep.qa.windows import Windows, mark_overlap

CHARACTERS_KEPT = 2**24  # of remembered contexts; three bytes of tokens each, and the text

_MAX_LENGTH, _DOC_STRIDE = 384, 128  # for a model that was not trained here

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WindowShape:
    """The size of windows, in tokens."""

    max_length: int
    doc_stride: int

    @staticmethod
    def of(reader: Reader) -> "WindowShape":
        """As the reader was trained, or what it can read at once."""
        if reader.trained_with:
            return WindowShape(**reader.trained_with)
        n_positions = getattr(reader.model.config, "max_position_embeddings", None)
        longest = min(_MAX_LENGTH, reader.tokenizer.model_max_length, n_positions or _MAX_LENGTH)
        return WindowShape(longest, min(_DOC_STRIDE, longest // 3))


class Encoder:
    """Makes the windows that a reader reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._shape = WindowShape.of(reader)
        self._kept: OrderedDict[str, Tokens] = OrderedDict()  # the last used at the end
        self._n_characters = 0

    def windows(self, pairs: Sequence[tuple[str, str]]) -> Windows:
        """Return the windows of pairs of a question and a context; their examples are the pairs.

        A question that leaves no room for the context is cut, with a warning.
        Raises ModelError on a tokenizer that does not suit.
        """
        questions, template = self._encode(pairs)
        contexts = _joined([self._kept[text] for text in dict.fromkeys(c for _, c in pairs)])
        limit = max_question_length(self._shape.max_length, self._shape.doc_stride, template)
        if (questions.lengths > limit).any():
            log.warning("of a question longer than %d tokens only the beginning is read", limit)
        windows = make_windows(
            [Example("pair", question, context) for question, context in pairs],
            questions.cut(limit),
            contexts,
            template,
            self._shape.max_length,
            self._shape.doc_stride,
        )
        self._forget_oldest()
        if self._reader.mark_overlap:
            return mark_overlap(windows, self._reader.tokenizer.all_special_ids)
        return windows

    def _encode(self, pairs: Sequence[tuple[str, str]]) -> tuple[Tokens, Template]:
        """Return the tokens of the distinct questions; those of all contexts are kept then.

        Each question stands for its own context too: the encoding wants pairs, and asks the first
        of them for the template.
        """
        questions = list(dict.fromkeys(question for question, _ in pairs))
        new = self._not_kept(dict.fromkeys(context for _, context in pairs))
        examples = [Example("question", text, text) for text in questions]
        examples += [Example("context", questions[0], text) for text in new]
        encoded, contexts, template = encode(examples, self._reader.tokenizer)
        for number, text in enumerate(dict.fromkeys([*questions, *new])):
            if text in new:
                self._kept[text] = _row(contexts, number)
                self._n_characters += len(text)
        return encoded, template

    def _not_kept(self, texts: Iterable[str]) -> dict[str, None]:
        """Return those to be encoded; the others count as used just now."""
        new: dict[str, None] = {}
        for text in texts:
            if text in self._kept:
                self._kept.move_to_end(text)
            else:
                new[text] = None
        return new

    def _forget_oldest(self) -> None:
        while self._n_characters > CHARACTERS_KEPT:
            text, _ = self._kept.popitem(last=False)
            self._n_characters -= len(text)


def _row(tokens: Tokens, number: int) -> Tokens:
    """Return the tokens of one text, as a copy, so that those of the others are let go of."""
    where = slice(*tokens.row_starts[number : number + 2])
    ids, offsets = tokens.ids[where].copy(), tokens.offsets[where].copy()
    return Tokens(ids, offsets, np.array([0, len(ids)], dtype=np.int64))


def _joined(rows: Sequence[Tokens]) -> Tokens:
    lengths = [len(each.ids) for each in rows]
    return Tokens(
        np.concatenate([each.ids for each in rows]),
        np.concatenate([each.offsets for each in rows]),
        np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
    )
