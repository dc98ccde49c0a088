"""Malformed data: read with broken rows counted, or refused in a line; no label is made up."""

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa_sweep.config import LocalData
from qa_sweep.config.data import OnBadRow
from qa_sweep.data import read_examples
from qa_sweep.data.local import local_sources
from qa_sweep.data.readings import describe, settle
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example, stands_in
from qa_sweep.terminal import spelled_out

CONTEXT = "Ada wrote it in 1843."
GOOD = {
    "id": "1",
    "title": "Ada",
    "context": CONTEXT,
    "question": "When?",
    "answers": {"text": ["1843"], "answer_start": [16]},
}
FIELDS = [*GOOD, "answer_text", "answer_start", "is_impossible", "text"]
DEEP = "[" * 100_000
FAR = 10**18


# --- what is written ----------------------------------------------------------------------------

names = st.sampled_from([*FIELDS, "data", "paragraphs", "qas"]) | st.text(max_size=5)
texts = st.sampled_from(
    ["Ada", "1843", CONTEXT, "", " ", "\ud83d", "\0", "a\nb", "\x1b[2J", "True"]
)
numbers = st.sampled_from([0, 16, 16.0, 16.5, -1, FAR, 1e300, float("nan"), float("inf")])
leaves = st.none() | st.booleans() | numbers | st.integers() | texts | st.text(max_size=8)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
pairs = st.fixed_dictionaries({"text": texts | trees, "answer_start": numbers | trees})
columns = st.fixed_dictionaries(
    {"text": st.lists(texts, max_size=2) | trees, "answer_start": st.lists(numbers, max_size=2)}
)
answers = columns | st.lists(pairs, max_size=2) | trees


@st.composite
def changed(draw: Any, good: dict[str, Any], field: str | None = None) -> dict[str, Any]:
    """A good record in which some fields are others, missing or new."""
    row = dict(good)
    for name in draw(st.lists(st.sampled_from(FIELDS) if field is None else st.just(field))):
        row[name] = draw(answers if name == "answers" else texts | trees)
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
        row.pop(name, None)
    return row


rows = changed(GOOD) | trees
articles = changed(
    {
        "title": "Ada",
        "paragraphs": [{"context": CONTEXT, "qas": [{**GOOD, "answers": []}]}],
    },
    "paragraphs",
)
nested = st.fixed_dictionaries({"data": st.lists(articles, max_size=3) | trees}) | trees


@st.composite
def damaged(draw: Any, content: bytes) -> bytes:
    """Content with a few bytes changed, put in or taken out."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


# --- what must hold -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("malformed")


def read(path: Path) -> list[Example]:
    """The examples of a file without its broken rows, which are all counted; none if refused."""

    def readings():
        return local_sources(LocalData(path=str(path)))["train"].readings

    try:
        settled = settle(readings(), OnBadRow.skip)
    except DataError as error:
        assert_a_line(str(error), path)
        return []
    assert len(settled.examples) + len(settled.bad) == settled.n_rows
    for bad in settled.bad:
        assert_a_line(str(bad), path)
    for policy in (OnBadRow.skip, OnBadRow.repair):
        assert_a_line(describe(settled.bad, policy, str(path)), path)
        for found in settle(readings(), policy).examples:
            assert_usable(found)
    assert_refused_unless_whole(path, settled.examples, bool(settled.bad))
    return settled.examples


def assert_a_line(message: str, path: Path) -> None:
    assert message.startswith(str(path))
    assert spelled_out(message) == message
    assert "\n" not in message
    assert len(message) < 1000 + len(str(path))


def assert_usable(found: Example) -> None:
    assert found.question.strip()
    assert found.context.strip()
    for text in (found.id, found.question, found.context, found.title):
        text.encode()
    for reference in found.references:
        assert reference.text.strip()
        assert stands_in(reference, found.context)


def assert_refused_unless_whole(path: Path, expected: list[Example], is_broken: bool) -> None:
    """By default nothing is left out."""
    if not is_broken:
        assert read_examples(path) == expected
        return
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert_a_line(str(caught.value), path)


def said(row: dict[str, Any]) -> list[tuple[str, int]]:
    """The answers that a row gives in so many words; an empty list only where it says so."""
    given = row.get("answers")
    impossible = row.get("is_impossible")
    if impossible not in (None, ""):
        assert isinstance(impossible, bool | str)
        assert str(impossible).lower() in ("true", "false")
        if str(impossible).lower() == "true":
            return []
    if "answers" not in row:
        given = {"text": row["answer_text"], "answer_start": row.get("answer_start")}
        if given["text"] in (None, "") and given["answer_start"] is None:
            return []
        given = [given] if not isinstance(given["text"], list) else given
    if isinstance(given, dict):
        return list(zip(given["text"], given["answer_start"], strict=True))
    assert isinstance(given, list)
    return [(pair["text"], pair["answer_start"]) for pair in given]


def labels(found: Example) -> list[tuple[str, int]]:
    return [(reference.text, reference.start) for reference in found.references]


# --- JSON ---------------------------------------------------------------------------------------


@given(row=rows)
@example(row={**GOOD, "answers": {"text": [], "answer_start": []}, "is_impossible": False})
@example(row={**GOOD, "is_impossible": True})
@example(row={**GOOD, "a\nb\x1b[2J": 1, "question": 5})
@example(row={"a\nb\x1b[2J\ud800": 1})
def test_a_row_of_json_lines_is_what_it_says_or_broken(folder, row) -> None:
    path = folder / "row.jsonl"
    path.write_text(json.dumps(row) + "\n")
    for found in read(path):
        assert labels(found) == said(row)


@settings(max_examples=40)
@given(content=st.lists(rows, min_size=2, max_size=5))
def test_each_row_of_json_lines_is_read_or_counted(folder, content) -> None:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    assert len(read(path)) <= len(content)


@settings(max_examples=40)
@given(content=nested)
@example(content={"data": [{"title": [], "paragraphs": [{"context": CONTEXT, "qas": [GOOD]}]}]})
def test_nested_json_is_read_or_refused(folder, content) -> None:
    path = folder / "nested.json"
    path.write_text(json.dumps(content))
    read(path)


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
@given(content=st.binary(max_size=200))
@example(content=b"\xff\xfe{\x00")
@example(content=b"\xef\xbb\xbf")
@example(content=b'"\r\n,\r"')
def test_any_bytes_are_read_or_refused(folder, suffix, content) -> None:
    path = folder / f"bytes.{suffix}"
    path.write_bytes(content)
    read(path)


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (DEEP, "lie too deep within each other"),
        ('{"a":' * 100_000, "lie too deep within each other"),
        ("1" * 5000, "a whole number has thousands of digits"),
        ('{"question": "Who?", "question": "When?"}', "'question' stands twice in {'question': "),
    ],
)
def test_json_that_python_cannot_hold_is_refused_in_words(folder, suffix, value, reason) -> None:
    path = folder / f"extreme.{suffix}"
    path.write_text(f'{{"id": {value}}}')
    with pytest.raises(DataError, match=reason) as caught:
        read_examples(path)
    assert_a_line(str(caught.value), path)


@settings(max_examples=20)
@given(depth=st.integers(100, 3000))
def test_lists_within_lists_are_refused_at_whatever_depth(folder, depth) -> None:
    path = folder / "deep.jsonl"
    path.write_text(json.dumps({**GOOD, "id": 0})[:-1] + f', "title": {"[" * depth}{"]" * depth}}}')
    assert read(path) == []


def test_an_answer_that_is_given_twice_is_no_label(folder) -> None:
    path = folder / "twice.jsonl"
    other = json.dumps({"text": ["Ada"], "answer_start": [0]})
    path.write_text(json.dumps(GOOD)[:-1] + f', "answers": {other}}}')
    assert read(path) == []


# --- CSV ----------------------------------------------------------------------------------------

headers = st.permutations(["id", "question", "context"]).flatmap(
    lambda first: st.lists(st.sampled_from(FIELDS) | st.text(max_size=5), max_size=4).map(
        lambda more: [*first, *more]
    )
)
cells = texts | st.text(max_size=8) | trees.map(json.dumps) | answers.map(json.dumps)


@settings(max_examples=40)
@given(header=headers, content=st.data())
def test_a_table_of_csv_is_what_it_says_or_broken(folder, header, content) -> None:
    path = folder / "table.csv"
    cell = st.lists(cells, min_size=len(header), max_size=len(header))
    table = content.draw(st.lists(cell, min_size=1, max_size=4))
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        csv.writer(file).writerows([header, *table])
    read(path)


@given(
    content=damaged(
        f"id,question,context,answer_text,answer_start\n1,When?,{CONTEXT},1843,16\n".encode()
    )
)
def test_damaged_csv_is_read_or_refused(folder, content) -> None:
    path = folder / "damaged.csv"
    path.write_bytes(content)
    read(path)


def test_a_column_of_csv_that_is_there_twice_is_refused(folder) -> None:
    path = folder / "twice.csv"
    path.write_text(
        f"id,question,context,answer_text,answer_start,answer_start\n1,When?,{CONTEXT},1843,16,0\n"
    )
    with pytest.raises(
        DataError, match=r"line 1: each column .* 2 are called answer_start; rename"
    ):
        read_examples(path)


def test_offsets_that_are_numbers_of_csv_alone_are_no_label(folder) -> None:
    path = folder / "offsets.csv"
    path.write_text(
        "id,question,context,answer_text,answer_start\n"
        + "".join(
            f"{i},When?,{CONTEXT},1843,{start}\n" for i, start in enumerate(["9" * 5000, "1e1"])
        )
    )
    assert read(path) == []


def test_csv_says_in_a_column_that_a_question_is_impossible(folder) -> None:
    path = folder / "impossible.csv"
    row = f"When?,{CONTEXT}"
    path.write_text(
        "id,question,context,answer_text,answer_start,is_impossible\n"
        f"1,{row},1843,16,False\n2,{row},,,TRUE\n3,{row},1843,16,true\n4,{row},,,false\n5,{row},,,\n"
    )
    assert [(e.id, len(e.references)) for e in read(path)] == [("1", 1), ("2", 0), ("5", 0)]


# --- Parquet ------------------------------------------------------------------------------------

ODD = {
    "text": pyarrow.array(["a", "b", None]),
    "large text": pyarrow.array(["a", "b", "c"], pyarrow.large_string()),
    "words of a dictionary": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
    "bytes": pyarrow.array([b"", b"\xff", b"1843"]),
    "two bytes": pyarrow.array([b"ab", b"cd", b"ef"], pyarrow.binary(2)),
    "small numbers": pyarrow.array([0, 16, None], pyarrow.int8()),
    "large numbers": pyarrow.array([0, 16, 2**64 - 1], pyarrow.uint64()),
    "fractions": pyarrow.array([0.0, 16.0, float("nan")], pyarrow.float32()),
    "decimals": pyarrow.array([Decimal("16.00"), Decimal(0), None], pyarrow.decimal128(9, 2)),
    "truths": pyarrow.array([True, False, None]),
    "nothing": pyarrow.nulls(3),
    "dates": pyarrow.array([date(1843, 1, 1), None, None]),
    "days in the year 90000": pyarrow.array([32_000_000] * 3, pyarrow.date32()),
    "far moments": pyarrow.array([2**62] * 3, pyarrow.timestamp("us")),
    "moments": pyarrow.array([1, 2, None], pyarrow.timestamp("ns", tz="Nowhere/City")),
    "times": pyarrow.array([1, 2, 3], pyarrow.time64("ns")),
    "spans of time": pyarrow.array([1, 2**62, None], pyarrow.duration("us")),
    "lists": pyarrow.array([["1843"], [], None]),
    "lists of numbers": pyarrow.array([[16], [None], []]),
    "records": pyarrow.array([{"text": ["1843"], "answer_start": [16]}, {"text": None}, None]),
    "lists of records": pyarrow.array([[{"text": "1843", "answer_start": 16}], [None], []]),
    "maps": pyarrow.array(
        [[("text", 1)], [], None], pyarrow.map_(pyarrow.string(), pyarrow.int64())
    ),
}


def good_columns() -> dict[str, pyarrow.Array]:
    named = [{**GOOD, "id": str(number)} for number in range(3)]
    return {name: pyarrow.array([row[name] for row in named]) for name in GOOD}


@given(changes=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(sorted(ODD)), max_size=3))
def test_a_table_of_odd_types_is_what_it_says_or_broken(folder, changes) -> None:
    arrays = {**good_columns(), **{name: ODD[kind] for name, kind in changes.items()}}
    path = folder / "odd.parquet"
    table = pyarrow.table(arrays)
    pyarrow.parquet.write_table(table, path)
    wanted = ["id", "answers", "answer_text", "answer_start", "is_impossible"]
    wanted = [name for name in wanted if name in arrays and not is_far(changes.get(name))]
    rows = reversed(table.select(wanted).to_pylist())  # of rows with one id the first counts
    told = {str(row.get("id")): row for row in rows}
    for found in read(path):
        assert labels(found) == said(told[found.id])


def is_far(kind: str | None) -> bool:
    return kind in ("days in the year 90000", "far moments", "moments", "spans of time")


@pytest.mark.parametrize("kind", sorted(ODD))
def test_a_column_that_nobody_reads_may_hold_anything(folder, kind) -> None:
    path = folder / "beside.parquet"
    pyarrow.parquet.write_table(pyarrow.table({**good_columns(), "beside": ODD[kind]}), path)
    assert [found.id for found in read(path)] == ["0", "1", "2"]


def test_a_table_without_any_column_that_is_read_says_what_it_has(folder) -> None:
    path = folder / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"q": ["When?"], "a": ["1843"]}), path)
    with pytest.raises(DataError, match=r"row 1: field id is missing; found q, a"):
        read_examples(path)


def test_a_column_of_parquet_that_is_there_twice_is_refused(folder) -> None:
    path = folder / "twice.parquet"
    columns = good_columns()
    table = pyarrow.Table.from_arrays(
        [*columns.values(), columns["answers"]], names=[*columns, "answers"]
    )
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(
        DataError, match="each column must have a name of its own, but 2 are called"
    ):
        read_examples(path)


def test_bytes_that_say_nothing_are_not_taken_for_no_answer(folder) -> None:
    path = folder / "bytes.parquet"
    for kind in ("answers", "answer_text"):
        columns = {name: array for name, array in good_columns().items() if name != "answers"}
        columns[kind] = pyarrow.array([b"", b"", b""])
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        assert read(path) == []


def write_good(path: Path) -> bytes:
    """As it lies in the file, texts can be found in it."""
    columns = pyarrow.table(good_columns())
    pyarrow.parquet.write_table(columns, path, compression="none", write_page_checksum=True)
    return path.read_bytes()


@given(data=st.data())
def test_damaged_parquet_is_read_or_refused(folder, data) -> None:
    path = folder / "damaged.parquet"
    path.write_bytes(data.draw(damaged(write_good(path))))
    read(path)


def test_a_text_of_parquet_that_is_not_what_was_written_is_refused(folder) -> None:
    path = folder / "flipped.parquet"
    path.write_bytes(write_good(path).replace(b"wrote", b"Wrote", 1))
    with pytest.raises(DataError, match="could not verify page integrity, CRC checksum"):
        read_examples(path)
