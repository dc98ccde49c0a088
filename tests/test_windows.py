"""Windows: cutting, labels and padding, on tokens made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.qa.encoding import make_windows, max_question_length
from qa_sweep.qa.example import Example, Reference
from qa_sweep.qa.tokens import Template, Tokens
from qa_sweep.qa.windows import Windows, pad_windows

CLS, SEP, PAD = 1, 2, 0
TEMPLATE = Template(
    ids=((CLS,), (SEP,), (SEP,)),
    types=((0,), (0,), (1,)),
    question_type=0,
    context_type=1,
    cls_id=CLS,
)


def words(texts: list[str]) -> Tokens:
    """Return the tokens of texts whose words are numbers: each word is its own id."""
    distinct = list(dict.fromkeys(texts))
    ids = [[int(word) for word in text.split()] for text in distinct]
    offsets = []
    for text in distinct:
        starts = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
        offsets.append([(start, start + len(text[start:].split()[0])) for start in starts])
    return Tokens.from_lists(ids, offsets, distinct)


def numbers(first: int, n: int) -> str:
    return " ".join(map(str, range(first, first + n)))


def numbered(n_context: int, answer: tuple[int, int] | None, n_question: int = 2) -> Example:
    """Return an example of words 100, 101, …; its answer is the words first to last."""
    context = numbers(100, n_context)
    references: tuple[Reference, ...] = ()
    if answer is not None:
        text = numbers(100 + answer[0], answer[1] - answer[0] + 1)
        references = (Reference(text, context.index(text)),)
    return Example(f"{n_context} {answer}", numbers(10, n_question), context, references)


def cut(examples: list[Example], max_length: int, doc_stride: int) -> Windows:
    questions = words([e.question for e in examples])
    contexts = words([e.context for e in examples])
    return make_windows(examples, questions, contexts, TEMPLATE, max_length, doc_stride)


some_examples = st.builds(
    lambda n, first, length, n_question: numbered(
        n, (min(first, n - 1), min(first + length, n) - 1) if length else None, n_question
    ),
    n=st.integers(1, 40),
    first=st.integers(0, 39),
    length=st.integers(0, 6),
    n_question=st.integers(1, 4),
).filter(lambda e: not e.references or e.references[0].text)


def test_a_short_example_is_one_window():
    windows = cut([numbered(3, (1, 2))], max_length=16, doc_stride=4)
    assert windows.input_ids.tolist() == [CLS, 10, 11, SEP, 100, 101, 102, SEP]
    assert windows.token_types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert windows.offsets[4:7].tolist() == [[0, 3], [4, 7], [8, 11]]
    assert (windows.offsets[[0, 1, 2, 3, 7]] == -1).all()
    assert (windows.start_labels[0], windows.end_labels[0]) == (5, 6)


def test_a_long_example_is_cut_into_windows_that_share_doc_stride_tokens():
    windows = cut([numbered(9, (4, 4))], max_length=10, doc_stride=2)  # room for 5 words
    pieces = [
        windows.input_ids[first:last][4:-1].tolist()
        for first, last in zip(windows.row_starts[:-1], windows.row_starts[1:], strict=True)
    ]
    assert pieces == [[100, 101, 102, 103, 104], [103, 104, 105, 106, 107], [106, 107, 108]]
    assert windows.start_labels.tolist() == [8, 5, 0]
    assert windows.has_answer.tolist() == [True, True, False]


def test_an_answer_only_partly_inside_a_window_is_absent_there():
    windows = cut([numbered(9, (4, 5))], max_length=10, doc_stride=2)
    assert windows.has_answer.tolist() == [False, True, False]
    assert windows.start_labels[0] == windows.end_labels[0] == windows.cls_index[0]


def test_an_example_without_references_has_no_answer_in_any_window():
    windows = cut([numbered(30, None)], max_length=10, doc_stride=2)
    assert not windows.has_answer.any()
    assert (windows.start_labels == windows.cls_index).all()


def test_the_first_reference_is_the_label():
    several = Example("id", "10", "100 101 102", (Reference("101", 4), Reference("102", 8)))
    assert cut([several], max_length=16, doc_stride=2).start_labels.tolist() == [4]


@given(st.lists(some_examples, min_size=1, max_size=5), st.integers(16, 30), st.integers(0, 8))
def test_windows_hold_the_whole_context_in_order(examples, max_length, doc_stride):
    windows = cut(examples, max_length, doc_stride)
    assert windows.lengths.max() <= max_length
    assert windows.n_examples == len(examples)
    for number, asked in enumerate(examples):
        seen: list[int] = []
        for row in np.flatnonzero(windows.example_index == number):
            part = slice(windows.row_starts[row], windows.row_starts[row + 1])
            piece = windows.input_ids[part][windows.in_context[part]].tolist()
            shared = piece[:doc_stride] if seen else []
            assert shared == seen[len(seen) - len(shared) :]
            seen += piece[len(shared) :]
        assert seen == [int(word) for word in asked.context.split()]


@given(some_examples, st.integers(16, 30))
def test_an_answer_within_doc_stride_tokens_is_whole_in_some_window(asked, max_length):
    n_answer = len(asked.references[0].text.split()) if asked.references else 0
    doc_stride = max(n_answer - 1, 0)
    windows = cut([asked], max_length, doc_stride)
    assert windows.has_answer.any() == bool(n_answer)


@given(some_examples, st.integers(16, 30), st.integers(0, 8))
def test_labels_reproduce_the_answer(asked, max_length, doc_stride):
    windows = cut([asked], max_length, doc_stride)
    for row in np.flatnonzero(windows.has_answer):
        first = windows.row_starts[row]
        start = windows.offsets[first + windows.start_labels[row], 0]
        end = windows.offsets[first + windows.end_labels[row], 1]
        assert asked.context[start:end] == asked.references[0].text


@given(st.lists(some_examples, min_size=2, max_size=6), st.integers(1, 5))
def test_limit_keeps_all_windows_of_an_example(examples, limit):
    every, limited = cut(examples, 16, 4), cut(examples[:limit], 16, 4)
    n_windows = int((every.example_index < limit).sum())
    assert len(limited) == n_windows
    assert limited.input_ids.tolist() == every.input_ids[: every.row_starts[n_windows]].tolist()


@given(
    st.lists(some_examples, min_size=1, max_size=5),
    st.sampled_from(["left", "right"]),
    st.sampled_from([{}, {"multiple_of": 8}, {"to_length": 32}]),
)
def test_padding_changes_neither_tokens_nor_labelled_tokens(examples, side, how):
    windows = cut(examples, 24, 6)
    rows = list(range(len(windows)))[::-1]
    batch = pad_windows(windows, rows, PAD, side=side, **how)
    n_columns = batch.input_ids.shape[1]
    assert n_columns == how.get("to_length", n_columns)
    assert n_columns % how.get("multiple_of", 1) == 0
    for i, row in enumerate(rows):
        part = slice(windows.row_starts[row], windows.row_starts[row + 1])
        is_token = batch.attention_mask[i] == 1
        assert batch.input_ids[i][is_token].tolist() == windows.input_ids[part].tolist()
        assert batch.token_types[i][is_token].tolist() == windows.token_types[part].tolist()
        assert (batch.input_ids[i][~is_token] == PAD).all()
        assert is_token[-1 if side == "left" else 0]
        label = windows.input_ids[part][windows.start_labels[row]]
        assert batch.input_ids[i, batch.start_labels[i]] == label
        assert batch.end_labels[i] - batch.start_labels[i] == (
            windows.end_labels[row] - windows.start_labels[row]
        )


def test_a_batch_takes_no_more_columns_than_its_own_windows_need():
    windows = cut([numbered(3, None), numbered(9, None)], 24, 6)
    assert pad_windows(windows, [0], PAD).input_ids.shape == (1, 8)
    assert pad_windows(windows, [1, 0], PAD).input_ids.shape == (2, 14)
    assert pad_windows(windows, [0, 1], PAD, multiple_of=8).input_ids.shape == (2, 16)


def test_a_length_below_the_longest_window_is_refused():
    with pytest.raises(ValueError, match="7 columns for a window of 8 tokens"):
        pad_windows(cut([numbered(3, None)], 16, 4), [0], PAD, to_length=7)


@given(st.integers(16, 512), st.data())
def test_the_longest_question_leaves_a_step_forward(max_length, data):
    doc_stride = data.draw(st.integers(0, max_length // 2))
    room = max_length - TEMPLATE.n_special - max_question_length(max_length, doc_stride, TEMPLATE)
    assert room > doc_stride


def test_white_space_at_the_edges_of_a_token_is_not_part_of_its_span():
    text = "  one two  \u3000 three "
    offsets = [(0, 5), (5, 9), (9, 11), (11, 18), (18, 19)]
    tokens = Tokens.from_lists([[7, 7, 7, 7, 7]], [offsets], [text])
    assert [text[start:end] for start, end in tokens.offsets] == ["one", "two", "", "three", ""]
    blank = tokens.offsets[2]  # starts at the next word, ends with the word before
    assert text[blank[0] :].startswith("three")
    assert text[: blank[1]].endswith("two")


def test_a_letter_composed_of_several_characters_is_not_cut():
    """A tokenizer that composes them tells the place of the first one alone."""
    text = "\u1112\u1161\u11ab e\u0301a\u0301"
    offsets = [(0, 1), (4, 5), (6, 7)]
    next_text = "\u0301x"  # its mark belongs to no letter, least of all to the text before
    tokens = Tokens.from_lists([[7, 7, 7], [7]], [offsets, [(1, 2)]], [text, next_text])
    assert tokens.offsets.tolist() == [[0, 3], [4, 6], [6, 8], [1, 2]]


def test_a_mark_with_a_token_of_its_own_stays_there():
    tokens = Tokens.from_lists([[7, 7]], [[(0, 1), (1, 2)]], ["e\u0301"])
    assert tokens.offsets.tolist() == [[0, 1], [1, 2]]
