"""Kinds of errors: each answer is of one, by where it stands or by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.qa.scores import score
from qa_sweep.report.character_diff import Change, character_diff
from qa_sweep.report.error_kinds import Kind, examine
from qa_sweep.report.excerpt import N_AROUND, Mark, Piece, excerpt

CONTEXT = "It opened in the year 1843 in London, and closed in the year 1850 in Paris."


def kind_at(start: int, end: int, *references: str) -> Kind:
    """Of the answer `CONTEXT[start:end]`, which is wrong."""
    return examine(
        CONTEXT[start:end], references, is_right=False, span=(start, end), context=CONTEXT
    ).kind


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("the year 1843 in London", Kind.too_long),
        ("1843", Kind.too_short),
        ("1843 in London", Kind.shifted),
        ("London", Kind.wrong_span),
        ("closed", Kind.wrong_span),
    ],
)
def test_positions_tell_how_an_answer_and_a_reference_overlap(answer, expected) -> None:
    start = CONTEXT.index(answer)
    assert kind_at(start, start + len(answer), "year 1843") is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("in the year 1843", Kind.too_long),
        ("1843", Kind.too_short),
        ("1843 in London", Kind.shifted),
        ("London", Kind.wrong_span),
        ("years", Kind.wrong_span),
    ],
)
def test_words_tell_it_where_no_position_is_known(answer, expected) -> None:
    assert examine(answer, ["year 1843"], is_right=False).kind is expected


def test_of_several_occurrences_the_nearest_counts() -> None:
    second = CONTEXT.index("the year", 20)
    examined = examine(
        "in the year", ["the year"], is_right=False, span=(second - 3, second + 8), context=CONTEXT
    )
    assert examined.kind is Kind.too_long
    assert examined.reference_span == (second, second + 8)


def test_of_several_references_the_one_that_overlaps_counts() -> None:
    start = CONTEXT.index("1843 in London")
    far_ends = "opened in the year 1843"  # overlaps, though another one's ends are nearer
    examined = examine(
        "1843", [far_ends, "in"], is_right=False, span=(start, start + 4), context=CONTEXT
    )
    assert (examined.kind, examined.reference) == (Kind.too_short, far_ends)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("São Paulo", "Sao Paulo"),
        ("“Hamlet”", "Hamlet"),
        ("1914–1918", "1914-1918"),
        ("10 000", "10,000"),
        ("10\u202f000", "10000"),
        ("twenty-one", "twenty one"),
        ("3.50 metres", "3.5 metres"),
        ("ten days", "10 days"),
        ("STRASSE", "Straße"),
        ("Ａｄａ", "Ada"),
        ("‘the’ Queen", "Queen"),
        ("U. S. A.", "USA"),
    ],
)
def test_what_differs_in_writing_alone_is_formatting(answer, reference) -> None:
    assert score({"q": answer}, {"q": [reference]}).exact_match == 0
    assert examine(answer, [reference], is_right=False).kind is Kind.formatting
    assert examine(reference, ["other", answer], is_right=False).kind is Kind.formatting


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("1843", "1844"), ("2.05", "2.5"), ("à Paris", "Paris"), ("か", "が"), ("“”", "–")],
)
def test_what_says_something_else_is_not_formatting(answer, reference) -> None:
    assert examine(answer, [reference], is_right=False).kind is not Kind.formatting


def test_where_one_says_nothing_the_other_is_false() -> None:
    assert examine("1843", [], is_right=False).kind is Kind.false_answer
    assert examine("", ["1843"], is_right=False, context=CONTEXT).kind is Kind.false_no_answer
    assert examine("", [], is_right=True).kind is Kind.right


WORDS = st.lists(
    st.sampled_from(["the", "The", "year", "1843", "10", "ten", "é", "e", "—", ".", ""]), max_size=4
)
TEXTS = WORDS.map(" ".join)


@given(TEXTS, TEXTS, st.lists(TEXTS.filter(str.strip), max_size=3), st.booleans())
def test_each_prediction_is_of_one_kind_and_right_where_exact_match_is_1(
    before, answer, references, is_placed
) -> None:
    context = " ".join([before, answer, *references])
    span = (len(before) + 1, len(before) + 1 + len(answer)) if is_placed and answer else None
    scores = score({"q": answer}, {"q": references})
    examined = examine(
        answer, references, is_right=scores.exact_match == 100, span=span, context=context
    )
    assert isinstance(examined.kind, Kind)
    assert (examined.kind is Kind.right) == (scores.exact_match == 100)
    assert (examined.kind is Kind.false_no_answer) <= (not answer.strip())
    if examined.reference_span is not None:
        start, end = examined.reference_span
        assert context[start:end] == examined.reference
    if not references and answer.strip():
        assert examined.kind in (Kind.right, Kind.false_answer)


@given(st.text("ab 1é", max_size=30), st.text("ab 1é", max_size=30))
def test_a_diff_holds_both_texts(answer, reference) -> None:
    stretches = character_diff(answer, reference)
    assert answer == "".join(text for change, text in stretches if change is not Change.missing)
    assert reference == "".join(text for change, text in stretches if change is not Change.extra)


def test_letters_in_common_by_chance_are_no_likeness() -> None:
    assert character_diff("in 1843 by the", "opened in 1843") == [
        (Change.missing, "opened "),
        (Change.same, "in 1843"),
        (Change.extra, " by the"),
    ]
    assert character_diff("London", "Florence") == [
        (Change.extra, "London"),
        (Change.missing, "Florence"),
    ]


def test_long_texts_are_compared_by_their_beginnings() -> None:
    stretches = character_diff("a" * 100_000, "b" * 100_000)
    assert sum(len(text) for _, text in stretches) == 400


def shown(context: str, **spans: tuple[int, int] | None) -> str:
    marked = {Mark[name]: span for name, span in spans.items()}
    return "".join(piece.text for piece in excerpt(context, marked))


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ((3, 9), (10, 12), "It [opened] «in» the year"),
        ((3, 12), (10, 16), "It [opened «in] the» year"),
        ((3, 12), (3, 9), "It [«opened» in] the year"),
        ((3, 9), (3, 9), "It [«opened»] in the year"),
        (None, (0, 2), "«It» opened in the year"),
        ((17, 21), None, "It opened in the [year]"),
        (None, None, "It opened in the year"),
    ],
)
def test_spans_are_marked_however_they_overlap(answer, reference, expected) -> None:
    assert shown("It opened in the year", answer=answer, reference=reference) == expected


@given(
    st.integers(0, 4_000),
    st.integers(1, 500),
    st.integers(0, 4_000),
    st.integers(1, 500),
    st.sampled_from(["x", "word ", "東京"]),
)
def test_an_excerpt_is_short_and_holds_the_ends_of_what_is_marked(
    start, length, other, other_length, filler
) -> None:
    context = (filler * 5_000)[:5_000]
    spans = {Mark.answer: (start, start + length), Mark.reference: (other, other + other_length)}
    pieces = excerpt(context, spans)
    text = "".join(piece.text for piece in pieces)
    assert all(text.count(char) == 1 for mark in Mark for char in mark.value)
    assert len(text) <= 4 * 2 * N_AROUND + 4 + 5 * len(" … ")
    for mark, (first, last) in spans.items():
        inside = [piece.text for piece in pieces if mark in piece.marks]
        if last - first <= N_AROUND:
            assert "".join(inside[1:-1]) == context[first:last]


def test_what_is_left_out_is_said() -> None:
    context = f"{'before ' * 50}here {'between ' * 50}there {'after ' * 50}"
    at, other = context.index("here"), context.index("there")
    text = shown(context, answer=(at, at + 4), reference=(other, other + 5))
    assert text.startswith("… before")
    assert text.endswith("after …")
    assert text.count("…") == 3
    assert excerpt("", {}) == []
    assert excerpt("short", {Mark.answer: None}) == [Piece("short")]
