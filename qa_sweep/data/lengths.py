"""Lengths: how long examples are in tokens, and what becomes of them as windows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa_sweep.data.preparation import encode
from qa_sweep.qa.encoding import make_windows, max_question_length
from qa_sweep.qa.example import Example
from qa_sweep.qa.tokens import Template, Tokens

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

_N_BARS = 10
_WORD = re.compile(r"\S+")
_ONE_BETWEEN = Template(
    ids=((0,), (0,), (0,)), types=((0,), (0,), (0,)), question_type=0, context_type=0
)


@dataclass(frozen=True)
class Bar:
    """How many examples have at least `low` and less than `high` tokens."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class Lengths:
    """Lengths of examples: question, context and the special tokens around them."""

    unit: str  # tokens, or words where there is no tokenizer
    max_length: int
    doc_stride: int
    median: int
    percentile_95: int
    longest: int
    histogram: list[Bar]
    n_windows: int
    n_in_several_windows: int  # examples
    n_answers_cut: int  # answers that no window holds whole
    n_questions_cut: int  # questions that leave no room for the context


def measure(
    examples: Sequence[Example],
    tokenizer: "PreTrainedTokenizerBase | None",
    max_length: int,
    doc_stride: int,
) -> Lengths:
    """Measure with `tokenizer`, or in words between white space where there is none."""
    if tokenizer is None:
        questions = _words([example.question for example in examples])
        contexts = _words([example.context for example in examples])
        template = _ONE_BETWEEN
    else:
        questions, contexts, template = encode(examples, tokenizer)
    limit = max_question_length(max_length, doc_stride, template)
    cut = questions.cut(limit)
    windows = make_windows(examples, cut, contexts, template, max_length, doc_stride)
    n_windows = np.bincount(windows.example_index, minlength=len(examples))
    n_whole = np.bincount(windows.example_index, windows.has_answer, minlength=len(examples))
    is_answerable = np.array([example.is_answerable for example in examples])
    lengths = template.n_special + _lengths(examples, questions, contexts)
    return Lengths(
        unit="words" if tokenizer is None else "tokens",
        max_length=max_length,
        doc_stride=doc_stride,
        median=int(np.median(lengths)),
        percentile_95=int(np.percentile(lengths, 95)),
        longest=int(lengths.max()),
        histogram=_histogram(lengths),
        n_windows=len(windows),
        n_in_several_windows=int((n_windows > 1).sum()),
        n_answers_cut=int((is_answerable & (n_whole == 0)).sum()),
        n_questions_cut=int((questions.lengths > limit).sum()),
    )


def _lengths(examples: Sequence[Example], questions: Tokens, contexts: Tokens) -> NDArray[np.int64]:
    """Return the tokens of each example's question and context, (n_examples,)."""
    length_of_question = _by_text([example.question for example in examples], questions)
    length_of_context = _by_text([example.context for example in examples], contexts)
    return np.array(
        [length_of_question[e.question] + length_of_context[e.context] for e in examples]
    )


def _by_text(texts: Sequence[str], tokens: Tokens) -> dict[str, int]:
    return dict(zip(dict.fromkeys(texts), tokens.lengths.tolist(), strict=True))


def _words(texts: Sequence[str]) -> Tokens:
    """Return the words of the distinct texts, all of one id."""
    distinct = list(dict.fromkeys(texts))
    offsets = [[found.span() for found in _WORD.finditer(text)] for text in distinct]
    return Tokens.from_lists([[0] * len(spans) for spans in offsets], offsets, distinct)


def _histogram(lengths: NDArray[np.int64]) -> list[Bar]:
    """Return bars of one width, a round number, from the shortest to the longest."""
    width = _round_up((int(lengths.max()) - int(lengths.min())) // _N_BARS + 1)
    low = int(lengths.min()) // width * width
    edges = range(low, int(lengths.max()) + width + 1, width)
    counts, _ = np.histogram(lengths, bins=[*edges])
    return [
        Bar(first, last, int(count))
        for (first, last), count in zip(pairwise(edges), counts, strict=True)
    ]


def _round_up(number: int) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50, …"""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= number:
                return digit * power
        power *= 10
