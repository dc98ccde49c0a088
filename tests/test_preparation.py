"""Preparation: windows equal what each tokenizer itself would cut, and hold the right labels."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_helpers import CONTEXT, bert_like, byte_level, cls_last, example, without_special

from qa_sweep.data.preparation import prepare
from qa_sweep.errors import ConfigError, DataError, ModelError
from qa_sweep.qa.example import Example, Reference
from qa_sweep.qa.windows import Windows

TOKENIZERS = {
    "bert": bert_like(),
    "bert padded left": bert_like(padding_side="left"),
    "byte level": byte_level(),
    "byte level with spaces in offsets": byte_level(trim_offsets=False),
    "cls last": cls_last(padding_side="left"),
    "no special tokens": without_special(),
}
every_tokenizer = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)

EXAMPLES = [
    example("London"),
    example("never built", "Was the engine ever built?"),
    example(None, "Who was Grace Hopper?"),
    example("naïve café", "Quel café?"),
    example("🙂🙂", "Which faces?"),
    example("Charles Babbage (1791–1871)", "Who designed the engine?"),
    Example("short", "Who wrote it?", "Ada wrote it.", (Reference("Ada", 0),)),
]

some_text = st.text(st.sampled_from("Ada  wrote\n\té東🙂'.x1"), min_size=1, max_size=60)


@st.composite
def examples_with_answers(draw: st.DrawFn) -> Example:
    context = draw(some_text.filter(str.strip))
    start = draw(st.integers(0, len(context) - 1))
    end = draw(st.integers(start + 1, len(context)))
    answer = context[start:end]
    references = (Reference(answer, start),) if answer.strip() else ()
    return Example("id", draw(some_text.filter(str.strip)), context, references)


def labelled_text(windows: Windows, row: int, context: str) -> str:
    """Return the characters between a window's labels."""
    first = windows.row_starts[row]
    start = windows.offsets[first + windows.start_labels[row], 0]
    end = windows.offsets[first + windows.end_labels[row], 1]
    return context[start:end]


@every_tokenizer
def test_windows_are_those_of_the_tokenizer(tokenizer):
    windows = prepare(EXAMPLES, tokenizer, max_length=64, doc_stride=12)
    expected = tokenizer(
        [e.question for e in EXAMPLES],
        [e.context for e in EXAMPLES],
        max_length=64,
        stride=12,
        truncation="only_second",
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    sequence = list(chain.from_iterable(e.sequence_ids for e in expected.encodings))
    types = list(chain.from_iterable(e.type_ids for e in expected.encodings))
    assert windows.lengths.tolist() == [len(ids) for ids in expected["input_ids"]]
    assert windows.input_ids.tolist() == list(chain.from_iterable(expected["input_ids"]))
    assert windows.token_types.tolist() == types
    assert windows.in_context.tolist() == [place == 1 for place in sequence]
    assert windows.example_index.tolist() == expected["overflow_to_sample_mapping"]
    assert len(windows) > len(EXAMPLES)


@every_tokenizer
def test_labels_give_the_text_of_the_answer(tokenizer):
    windows = prepare(EXAMPLES, tokenizer, max_length=64, doc_stride=16)
    labelled = np.flatnonzero(windows.has_answer)
    for row in labelled:
        asked = EXAMPLES[windows.example_index[row]]
        assert labelled_text(windows, row, asked.context) == asked.references[0].text
    answerable = {i for i, e in enumerate(EXAMPLES) if e.is_answerable}
    assert set(windows.example_index[labelled].tolist()) == answerable


@every_tokenizer
@settings(max_examples=40, deadline=None)
@given(asked=examples_with_answers())
def test_labels_cover_any_answer_and_no_token_beyond_it(tokenizer, asked):
    windows = prepare([asked], tokenizer, max_length=512, doc_stride=0)
    if not windows.has_answer[0]:
        return  # characters that the tokenizer drops, or no answer at all
    reference, first = asked.references[0], windows.row_starts[0]
    start, end = (windows.start_labels[0], windows.end_labels[0])
    assert start <= end
    assert windows.offsets[first + start, 1] > reference.start
    assert windows.offsets[first + end, 0] < reference.end
    assert reference.text.strip() in labelled_text(windows, 0, asked.context)


@every_tokenizer
def test_tokens_lose_their_white_space_but_no_other_character(tokenizer):
    windows = prepare([example("London")], tokenizer, max_length=512, doc_stride=0)
    offsets = windows.offsets[windows.in_context]
    texts = [CONTEXT[start:end] for start, end in offsets]
    covered = {i for start, end in offsets for i in range(start, end)}
    assert all(text == text.strip() for text in texts)
    assert covered == {i for i, character in enumerate(CONTEXT) if not character.isspace()}


def test_cls_is_found_wherever_the_tokenizer_puts_it():
    for name, tokenizer in TOKENIZERS.items():
        windows = prepare(EXAMPLES, tokenizer, max_length=64, doc_stride=12)
        found = windows.input_ids[windows.row_starts[:-1] + windows.cls_index]
        if name == "no special tokens":
            assert set(windows.cls_index.tolist()) == {0}
        else:
            assert set(found.tolist()) == {tokenizer.cls_token_id}


def test_a_cut_question_warns_and_leaves_room_for_the_context():
    long = example("London", question="Where was Ada born? " * 20)
    with pytest.warns(UserWarning, match="1 of 2 questions are longer than .* and were cut"):
        windows = prepare([long, example("London")], TOKENIZERS["bert"], 64, 20)
    assert windows.lengths.max() <= 64
    assert set(windows.example_index[windows.has_answer].tolist()) == {0, 1}


@every_tokenizer
def test_overlap_marks_the_tokens_of_the_question_in_the_context(tokenizer):
    asked = [example("London", question="Was the engine built in 1843?"), EXAMPLES[-1]]
    plain = prepare(asked, tokenizer, 64, 12)
    marked = prepare(asked, tokenizer, 64, 12, mark_overlap=True)
    special = set(tokenizer.all_special_ids)
    n_marked = 0
    for first, last in zip(plain.row_starts[:-1], plain.row_starts[1:], strict=True):
        ids, in_context = plain.input_ids[first:last], plain.in_context[first:last]
        question = set(ids[~in_context].tolist()) - special
        expected = np.isin(ids, list(question)) & in_context
        added = marked.token_types[first:last] - plain.token_types[first:last]
        assert added.tolist() == expected.astype(int).tolist()
        n_marked += expected.sum()
    assert n_marked > 0


def test_a_tokenizer_that_does_not_know_its_characters_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="must be a fast one"):
        prepare(EXAMPLES, Slow(), 64, 12)


def test_texts_without_a_token_do_not_keep_the_others_from_being_read():
    unseen = [example(None, question="\u200b"), Example("unseen", "Who wrote?", "\u200b")]
    windows = prepare([*unseen, example("London")], TOKENIZERS["bert"], 64, 12)
    assert set(windows.example_index[windows.has_answer].tolist()) == {2}
    (row,) = np.flatnonzero(windows.example_index == 1)
    assert not windows.in_context[windows.row_starts[row] : windows.row_starts[row + 1]].any()
    with pytest.raises(ModelError, match="found none in any question"):
        prepare(unseen[:1], TOKENIZERS["bert"], 64, 12)


@pytest.mark.parametrize(
    ("text", "why"),
    [("cafe\u0301", "an accent of its own"), ("❤\ufe0f", "how an emoji is shown")],
)
def test_a_mark_that_the_tokenizer_drops_stays_with_its_letter(text, why):
    asked = example(text, context=f"Un {text} noir, {text}")
    windows = prepare([asked], TOKENIZERS["bert"], 64, 12)
    assert labelled_text(windows, 0, asked.context) == text, why
    assert windows.offsets[windows.in_context].max() == len(asked.context)


def test_no_example_is_refused():
    with pytest.raises(DataError, match="at least one example"):
        prepare([], TOKENIZERS["bert"], 64, 12)


def test_a_stride_as_long_as_the_window_is_refused():
    with pytest.raises(ConfigError, match=r"data\.max_length must leave room"):
        prepare(EXAMPLES, TOKENIZERS["bert"], 32, 31)
