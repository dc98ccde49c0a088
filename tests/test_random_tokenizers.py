"""Windows of any text, cut with any tokenizer of the kinds that readers have.

Tokenizers and texts are random. Answers begin and end with whole characters, as a reader sees them.
"""

import unicodedata
from itertools import chain, pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from drawing import (
    KINDS,
    Tokenizer,
    draw_examples,
    draw_shape,
    draw_tokenizer,
    own_tokens,
    questions,
    some,
    takes_token_types,
    texts,
    trimmed,
)
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_kinds import random_text

from qa_sweep.data.preparation import prepare
from qa_sweep.qa.example import Example, Reference
from qa_sweep.qa.windows import Windows, pad_windows

every_kind = pytest.mark.parametrize("kind", KINDS)


def parts(windows: Windows) -> list[slice]:
    """Return where each window lies in the flat arrays."""
    bounds = windows.row_starts.tolist()
    return [slice(*pair) for pair in pairwise(bounds)]


def labelled(windows: Windows, row: int, context: str) -> str:
    first = windows.row_starts[row]
    start = windows.offsets[first + windows.start_labels[row], 0]
    end = windows.offsets[first + windows.end_labels[row], 1]
    return context[start:end]


def is_seen(char: str) -> bool:
    return not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf")


def seen(text: str) -> str:
    return "".join(filter(is_seen, text))


def cut_by_itself(
    tokenizer: Tokenizer,
    examples: list[Example],
    max_length: int,
    doc_stride: int,
    padding: bool = False,
) -> Any:
    """The windows of the tokenizer's own."""
    return tokenizer(
        [example.question for example in examples],
        [example.context for example in examples],
        max_length=max_length,
        stride=doc_stride,
        truncation="only_second",
        return_overflowing_tokens=True,
        padding=padding,
    )


@every_kind
@some(15)
@given(data=st.data())
def test_windows_are_those_that_the_tokenizer_itself_cuts(kind, data):
    tokenizer, examples = draw_tokenizer(data, kind), draw_examples(data)
    max_length, doc_stride = draw_shape(data, tokenizer, examples)
    windows = prepare(examples, tokenizer, max_length, doc_stride)
    expected = cut_by_itself(tokenizer, examples, max_length, doc_stride)
    encodings = expected.encodings
    assert windows.input_ids.tolist() == list(chain.from_iterable(e.ids for e in encodings))
    if takes_token_types(tokenizer):  # others give windows behind the first what they like
        types = list(chain.from_iterable(e.type_ids for e in encodings))
        assert windows.token_types.tolist() == types
    assert windows.lengths.tolist() == [len(e.ids) for e in encodings]
    assert windows.example_index.tolist() == expected["overflow_to_sample_mapping"]
    for number, part, encoding in zip(
        windows.example_index, parts(windows), encodings, strict=True
    ):
        in_context = windows.in_context[part]
        assert in_context.tolist() == [place == 1 for place in encoding.sequence_ids]
        spans = np.array(encoding.offsets)[in_context].tolist()
        check_spans(examples[number].context, spans, windows.offsets[part][in_context].tolist())


def check_spans(context: str, theirs: list[list[int]], ours: list[list[int]]) -> None:
    """Ours are theirs, without white space at the edges, and with the marks of the last letter."""
    for their, our in zip(theirs, ours, strict=True):
        start, end = trimmed(context, *their)
        if start == end:  # white space alone: its span only serves longer ones
            continue
        assert our[0] == start
        assert our[1] >= end
        assert all(continues_a_letter(char) for char in context[end : our[1]])


def continues_a_letter(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or 0x1160 <= ord(char) < 0x1200


@every_kind
@some(15)
@given(data=st.data())
def test_each_character_of_a_token_is_in_some_window(kind, data):
    tokenizer, examples = draw_tokenizer(data, kind), draw_examples(data)
    max_length, doc_stride = draw_shape(data, tokenizer, examples)
    windows = prepare(examples, tokenizer, max_length, doc_stride)
    for number, example in enumerate(examples):
        rows = np.flatnonzero(windows.example_index == number)
        spans = [span for row in rows for span in windows.offsets[parts(windows)[row]].tolist()]
        assert characters(own_tokens(tokenizer, example.context)) <= characters(spans)


def characters(spans: list[tuple[int, int]]) -> set[int]:
    return set(chain.from_iterable(range(start, end) for start, end in spans if start >= 0))


@every_kind
@some(15)
@given(data=st.data())
def test_labels_give_the_words_of_the_answer(kind, data):
    tokenizer = draw_tokenizer(data, kind)
    plain = Example("id", data.draw(questions), data.draw(texts))
    asked = with_answer(plain, *draw_words(data, plain.context))
    max_length, doc_stride = draw_shape(data, tokenizer, [asked])
    windows = prepare([asked], tokenizer, max_length, doc_stride)
    answer = asked.references[0].text
    for row in np.flatnonzero(windows.has_answer):
        text = labelled(windows, row, asked.context)
        assert text in answer
        assert seen(text) == seen(answer)


def draw_words(data: st.DataObject, context: str) -> tuple[int, int]:
    """Return the span of some words of a context, between spaces."""
    starts = [i for i in range(len(context)) if is_end(context[::-1], len(context) - i)]
    first = data.draw(st.sampled_from(starts), "first")
    ends = [i for i in range(first + 1, len(context) + 1) if is_end(context, i)]
    return first, data.draw(st.sampled_from(ends[:8]), "end")


def is_end(context: str, i: int) -> bool:
    return context[i - 1] != " " and context[i : i + 1] in ("", " ")


def with_answer(example: Example, start: int, end: int) -> Example:
    reference = Reference(example.context[start:end], start)
    return Example(example.id, example.question, example.context, (reference,))


@every_kind
@some(15)
@given(data=st.data())
def test_an_answer_of_at_most_doc_stride_tokens_is_whole_in_some_window(kind, data):
    tokenizer = draw_tokenizer(data, kind)
    plain = Example("id", data.draw(questions), data.draw(texts))
    spans = [span for span in own_tokens(tokenizer, plain.context) if span[0] < span[1]]
    first = data.draw(st.integers(0, len(spans) - 1), "first")
    last = data.draw(st.integers(first, min(first + 12, len(spans) - 1)), "last")
    start, end = spans[first][0], spans[last][1]
    asked = with_answer(plain, start, end)
    n_tokens = sum(span[0] < end and span[1] > start for span in spans)
    max_length, doc_stride = draw_shape(data, tokenizer, [asked], least_stride=2 * n_tokens)
    windows = prepare([asked], tokenizer, max_length, doc_stride)
    assert windows.has_answer.any()
    for row in np.flatnonzero(windows.has_answer):
        assert asked.references[0].text in labelled(windows, row, asked.context)


@every_kind
@some(10)
@given(data=st.data())
def test_a_question_longer_than_the_window_is_cut_with_a_warning(kind, data):
    tokenizer = draw_tokenizer(data, kind)
    long = random_text(Random(data.draw(st.integers(0, 2**32 - 1), "seed")), 80)
    examples = [Example("long", long, data.draw(texts)), *draw_examples(data)]
    with pytest.warns(UserWarning, match="questions are longer than .* and were cut"):
        windows = prepare(examples, tokenizer, max_length=64, doc_stride=16)
    assert windows.lengths.max() <= 64
    own_ids = tokenizer(long, add_special_tokens=False)["input_ids"]
    asked = windows.input_ids[parts(windows)[0]][~windows.in_context[parts(windows)[0]]].tolist()
    kept = [i for i in range(len(asked)) if asked[i : i + 20] == own_ids[:20]]
    assert len(kept) == 1
    context = set(characters(own_tokens(tokenizer, examples[0].context)))
    rows = np.flatnonzero(windows.example_index == 0)
    found = [span for row in rows for span in windows.offsets[parts(windows)[row]].tolist()]
    assert context <= characters(found)


@every_kind
@some(10)
@given(data=st.data())
def test_the_side_of_the_padding_changes_nothing_but_the_columns(kind, data):
    tokenizer, examples = draw_tokenizer(data, kind), draw_examples(data)
    max_length, doc_stride = draw_shape(data, tokenizer, examples)
    prepared = {}
    for side in ("left", "right"):
        tokenizer.padding_side = side
        prepared[side] = prepare(examples, tokenizer, max_length, doc_stride)
        check_padding(prepared[side], examples, tokenizer, max_length, doc_stride)
    for name, array in vars(prepared["left"]).items():
        assert array.tolist() == getattr(prepared["right"], name).tolist()


def check_padding(
    windows: Windows,
    examples: list[Example],
    tokenizer: Tokenizer,
    max_length: int,
    doc_stride: int,
) -> None:
    """A batch of ours is what the tokenizer pads itself."""
    rows = np.arange(len(windows))
    batch = pad_windows(windows, rows, tokenizer.pad_token_id, side=tokenizer.padding_side)
    expected = cut_by_itself(tokenizer, examples, max_length, doc_stride, padding=True)
    assert batch.input_ids.tolist() == expected["input_ids"]
    assert batch.attention_mask.tolist() == expected["attention_mask"]
    if takes_token_types(tokenizer):
        assert batch.token_types.tolist() == expected["token_type_ids"]
