"""Arrow: our columns are those that pyarrow would have made."""

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep import arrow

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])))


@given(TEXTS)
def test_texts_are_those_of_pyarrow(texts) -> None:
    column = arrow.texts(iter(texts))
    column.validate(full=True)
    assert column.equals(pyarrow.array(texts, pyarrow.string()))


def test_texts_that_are_long_together_have_wide_offsets(monkeypatch) -> None:
    monkeypatch.setattr(arrow, "_LONGEST_STRINGS", 3)
    assert arrow.texts(["ab", "c"]).type == pyarrow.string()
    column = arrow.texts(["ab", "cd"])
    column.validate(full=True)
    assert column.equals(pyarrow.array(["ab", "cd"], pyarrow.large_string()))


@given(TEXTS)
def test_repeated_texts_are_held_once(texts) -> None:
    column = arrow.repeated_texts(texts)
    column.validate(full=True)
    assert column.to_pylist() == texts
    assert len(column.dictionary) == len(set(texts))


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float32, np.float64])
def test_numbers_are_those_of_pyarrow(kind) -> None:
    for values in (np.arange(5, dtype=kind), np.arange(6, dtype=kind)[::2], np.array([], kind)):
        column = arrow.numbers(values)
        column.validate(full=True)
        assert column.equals(pyarrow.array(values))


def test_lists_are_cut_where_the_rows_start() -> None:
    column = arrow.lists(np.array([0, 2, 2, 3]), arrow.texts(["a", "b", "c"]))
    column.validate(full=True)
    assert column.to_pylist() == [["a", "b"], [], ["c"]]


def test_structs_have_their_fields() -> None:
    column = arrow.structs(text=arrow.texts(["a"]), start=arrow.numbers(np.array([3])))
    assert column.to_pylist() == [{"text": "a", "start": 3}]
