"""Broken rows: each kind under each policy, in every format; nothing is changed without a word."""

import json
import logging
import pickle
import re
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from conftest import ROOT
from test_local_data import (
    CONTEXT,
    ROWS,
    many,
    pairs,
    with_answer_columns,
    write_csv,
    write_json,
    write_json_lines,
    write_parquet,
)

from qa_sweep.config import LocalData
from qa_sweep.config.data import OnBadRow
from qa_sweep.data import load_examples, read_examples
from qa_sweep.data.local import local_sources
from qa_sweep.data.readings import settle
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Fault

GOOD = ROWS[0]


def answers(text: object = "1843", start: object = 0) -> dict:
    return {"text": [text], "answer_start": [start]}


# What is changed in a good row -> the kind of fault, and whether it can be repaired.
CHANGES = {
    "answer elsewhere": ({"answers": answers()}, Fault.misplaced_answer, True),
    "negative offset": ({"answers": answers(start=-5)}, Fault.misplaced_answer, True),
    "offset behind the end": ({"answers": answers(start=999)}, Fault.misplaced_answer, True),
    "offset is a text": ({"answers": answers(start="x")}, Fault.wrong_type, True),
    "offset is missing": ({"answers": {"text": ["1843"]}}, Fault.missing_field, True),
    "pair without offset": ({"answers": [{"text": "1843"}]}, Fault.missing_field, True),
    "answer in no place": ({"answers": answers("Eve")}, Fault.misplaced_answer, False),
    "answer in two places": ({"answers": answers("i", 0)}, Fault.misplaced_answer, False),
    "overlapping places": (
        {"context": "so aaa", "answers": answers("aa", 0)},
        Fault.misplaced_answer,
        False,
    ),
    "one of two in no place": (
        {"answers": {"text": ["1843", "Eve"], "answer_start": [0, 0]}},
        Fault.misplaced_answer,
        False,
    ),
    "empty answer": ({"answers": answers(" ")}, Fault.empty_answer, False),
    "answer is a number": ({"answers": answers(1843)}, Fault.wrong_type, False),
    "unequal lists": (
        {"answers": {"text": ["Ada"], "answer_start": [0, 5]}},
        Fault.unequal_answers,
        False,
    ),
    "no answers": ({"answers": None}, Fault.wrong_type, False),
    "empty question": ({"question": "\t"}, Fault.empty_question, False),
    "empty context": ({"context": ""}, Fault.empty_context, False),
    "question is a list": ({"question": []}, Fault.wrong_type, False),
    "half a character": ({"question": "\ud83d?"}, Fault.not_utf8, False),
    "no id": ({"id": None}, Fault.wrong_type, False),
    "broken also in another field": ({"answers": answers(), "id": ""}, Fault.wrong_type, False),
}


def settled(path, policy: OnBadRow):
    source = local_sources(LocalData(path=str(path)))["train"]
    return settle(source.readings, policy)


@pytest.mark.parametrize(("change", "fault", "certain"), CHANGES.values(), ids=CHANGES)
def test_only_what_is_certain_is_repaired(tmp_path, change, fault, certain):
    path = write_json_lines(tmp_path / "x.jsonl", [GOOD, {**ROWS[1], **change}, ROWS[2]])
    skipped, repaired = (settled(path, OnBadRow[name]) for name in ("skip", "repair"))
    assert [example.id for example in skipped.examples] == ["1", "3"]
    assert [bad.fault for bad in skipped.bad] == [bad.fault for bad in repaired.bad] == [fault]
    assert [example.id for example in repaired.examples] == ["1", *["2"] * certain, "3"]
    if certain:
        (reference,) = repaired.examples[1].references
        assert (reference.text, reference.start) == ("1843", CONTEXT.index("1843"))


def test_a_row_is_refused_by_default_and_the_others_are_counted(tmp_path):
    broken = [{**ROWS[1], "id": f"b{i}", "question": ""} for i in range(3)]
    path = write_json_lines(tmp_path / "x.jsonl", [GOOD, *broken])
    with pytest.raises(DataError) as caught:
        load_examples(LocalData(path=str(path)))
    message = str(caught.value)
    assert message.startswith(f"{path}, line 2: question must not be empty")
    assert f"(2 rows are broken too: `python -m qa_sweep.data {path}` lists them)" in message


def test_a_refusal_says_how_many_rows_can_be_repaired(tmp_path):
    elsewhere = [{**ROWS[1], "id": f"e{i}", "answers": answers()} for i in range(2)]
    path = write_json_lines(tmp_path / "x.jsonl", [*elsewhere, {**ROWS[1], "question": ""}])
    with pytest.raises(DataError, match=r"lists them; data.on_bad_row=repair mends 2 of all 3\)$"):
        load_examples(LocalData(path=str(path)))


@pytest.mark.parametrize("policy", [OnBadRow.skip, OnBadRow.repair])
def test_broken_rows_are_counted_and_named_in_one_line(tmp_path, caplog, policy):
    blank = [{**ROWS[1], "id": f"b{i}", "question": ""} for i in range(4)]
    rows = [*many(6), *blank, {**ROWS[1], "id": "elsewhere", "answers": answers()}]
    path = write_json_lines(tmp_path / "x.jsonl", rows)
    with caplog.at_level(logging.WARNING):
        splits = load_examples(LocalData(path=str(path), on_bad_row=policy, holdout=0.5))
    assert len(splits.train) + len(splits.eval) == 6 + (policy is OnBadRow.repair)
    blanks = "4 empty question (line 7, line 8, line 9, …)"
    moved = "1 answer that is not at its offset (line 11)"
    expected = {
        OnBadRow.skip: f"{path}: 5 rows are broken; left out 5: {blanks}, {moved}",
        OnBadRow.repair: f"{path}: 5 rows are broken; repaired 1: {moved}; left out 4: {blanks}",
    }
    assert [record.getMessage() for record in caplog.records] == [expected[policy]]


def test_whole_data_cost_no_word(tmp_path, caplog):
    path = write_json_lines(tmp_path / "x.jsonl", many(5))
    load_examples(LocalData(path=str(path), on_bad_row=OnBadRow.repair))
    assert not caplog.records


def test_a_row_that_is_there_twice_is_kept_once(tmp_path):
    other = {**GOOD, "question": "Who was first?"}
    path = write_json_lines(tmp_path / "x.jsonl", [GOOD, ROWS[1], GOOD, other])
    for policy in (OnBadRow.skip, OnBadRow.repair):
        found = settled(path, policy)
        assert [example.question for example in found.examples] == ["Who wrote it?", "When?"]
        assert [bad.fault for bad in found.bad] == [Fault.repeated_row, Fault.repeated_id]
    with pytest.raises(DataError, match=r"line 3: id must differ .* line 1, the same row"):
        read_examples(path)


def test_the_id_of_a_row_that_was_left_out_is_free(tmp_path):
    path = write_json_lines(tmp_path / "x.jsonl", [{**GOOD, "question": ""}, GOOD])
    found = settled(path, OnBadRow.skip)
    assert (len(found.examples), len(found.bad)) == (1, 1)


def test_data_of_broken_rows_alone_are_refused_under_every_policy(tmp_path):
    path = write_json_lines(tmp_path / "x.jsonl", [{**GOOD, "question": ""}] * 2)
    with pytest.raises(DataError, match=r"all 2 rows are broken; the first: .* line 1: question"):
        load_examples(LocalData(path=str(path), on_bad_row=OnBadRow.skip))


def test_a_broken_line_of_json_is_one_broken_row(tmp_path):
    path = write_json_lines(tmp_path / "x.jsonl", [GOOD, ROWS[1]])
    path.write_text(path.read_text().replace("\n", '\n{"id": \n', 1))
    found = settled(path, OnBadRow.skip)
    assert [example.id for example in found.examples] == ["1", "2"]
    assert [bad.where for bad in found.bad] == [f"{path}, line 2, column 7"]


def test_a_broken_article_or_paragraph_is_one_broken_row(tmp_path):
    qas = [{"id": row["id"], "question": row["question"], "answers": pairs(row)} for row in ROWS]
    good = {"context": CONTEXT, "qas": qas}
    paragraphs = [{"qas": qas}, good, {"context": CONTEXT, "qas": 5}]
    path = write_json(tmp_path / "x.json", {"data": [{"paragraphs": paragraphs}, "no", {}]})
    found = settled(path, OnBadRow.repair)
    assert [example.id for example in found.examples] == ["1", "2", "3"]
    places = [bad.where.removeprefix(f"{path}, ") for bad in found.bad]
    assert places == ["data[0].paragraphs[0]", "data[0].paragraphs[2]", "data[1]", "data[2]"]


def test_a_row_of_csv_with_too_many_fields_is_one_broken_row(tmp_path):
    path = write_csv(tmp_path / "x.csv", [with_answer_columns(row) for row in ROWS])
    path.write_text(path.read_text() + "4,title,context,question,answer,0,more\n")
    found = settled(path, OnBadRow.skip)
    assert (len(found.examples), [bad.fault for bad in found.bad]) == (3, [Fault.unreadable])


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "json"])
def test_bytes_that_are_no_utf8_break_the_row_that_holds_them(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    if suffix == "jsonl":
        write_json_lines(path, ROWS)
    elif suffix == "csv":
        write_csv(path, [with_answer_columns(row) for row in ROWS])
    else:
        qas = [{"id": r["id"], "question": r["question"], "answers": []} for r in ROWS]
        write_json(path, {"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]})
    path.write_bytes(path.read_bytes().replace(b"When?", b"Quand? \xe9t\xe9?"))
    found = settled(path, OnBadRow.skip)
    assert [example.id for example in found.examples] == ["1", "3"]
    (bad,) = found.bad
    assert (bad.fault, bad.repaired) == (Fault.not_utf8, None)
    assert "question must be text in UTF-8, but holds the byte 0xe9" in str(bad)


def test_a_file_in_utf_16_is_refused_for_its_encoding(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(GOOD), encoding="utf-16")
    with pytest.raises(DataError, match="must be text in UTF-8, but holds the byte 0xff"):
        read_examples(path)


def test_bytes_that_are_no_utf8_break_the_row_of_parquet(tmp_path):
    rows = [{**row, "answers": {"text": [], "answer_start": []}} for row in ROWS]
    table = pyarrow.Table.from_pylist(rows)
    bad = pyarrow.array([b"Who?", b"\xe9t\xe9?", b"Why?"]).view(pyarrow.string())
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(table.drop("question").append_column("question", bad), path)
    found = settled(path, OnBadRow.skip)
    assert [example.id for example in found.examples] == ["1", "3"]
    assert [(bad.where, bad.fault) for bad in found.bad] == [(f"{path}, row 2", Fault.not_utf8)]


def test_offsets_are_repaired_in_every_format(tmp_path):
    moved = {**ROWS[1], "answers": answers(start=3)}
    flat = with_answer_columns(moved)
    nested = {"id": "2", "question": "When?", "answers": pairs(moved)}
    files = [
        write_json_lines(tmp_path / "x.jsonl", [moved]),
        write_csv(tmp_path / "x.csv", [flat]),
        write_parquet(tmp_path / "x.parquet", [moved]),
        write_json(
            tmp_path / "x.json",
            {"data": [{"paragraphs": [{"context": CONTEXT, "qas": [nested]}]}]},
        ),
    ]
    for path in files:
        (example,) = settled(path, OnBadRow.repair).examples
        assert example.references[0].start == CONTEXT.index("1843"), path


def test_a_question_file_is_never_repaired(tmp_path):
    path = write_json_lines(tmp_path / "x.jsonl", [{**ROWS[1], "answers": answers()}])
    with pytest.raises(DataError, match="must stand at character 0"):
        read_examples(path)


def test_a_broken_row_can_cross_processes():
    bad = BadRow("x.jsonl, line 1", "question must not be empty", Fault.empty_question)
    copy = pickle.loads(pickle.dumps(bad))
    assert (str(copy), copy.fault) == (str(bad), bad.fault)


DOCS = ROOT / "docs" / "own-data.md"
LONDON = "Ada Lovelace was born in London in 1815. She wrote the first program in 1843."


def last_row(**change: object) -> list[dict]:
    """Eight good rows, and one that has something changed."""
    answers = {"text": ["London"], "answer_start": [LONDON.index("London")]}
    rows = [
        {"id": str(i), "title": "", "context": LONDON, "question": f"Q{i}?", "answers": answers}
        for i in range(9)
    ]
    return [*rows[:8], {k: v for k, v in {**rows[8], **change}.items() if v is not ...}]


def bad_files(folder: Path) -> list[Path]:
    """What the table of bad rows in the docs speaks of."""
    changes: list[dict] = [
        {"answers": answers("1843", 0)},
        {"answers": answers("in", 0)},
        {"answers": answers("1843", None)},
        {"answers": answers("", 0)},
        {"question": " "},
        {"question": 5},
        {"answers": ...},
        {"answers": {"text": ["London", "1815"], "answer_start": [25]}},
        {"id": "3", "question": "Q3?"},
        {"id": "0"},
    ]
    files = [
        write_json_lines(folder / f"{number}.jsonl", last_row(**change))
        for number, change in enumerate(changes)
    ]
    names = ("latin.jsonl", "broken.jsonl", "x.csv", "twice.jsonl")
    latin, broken, comma, twice = (folder / name for name in names)
    good = "".join(json.dumps(row) + "\n" for row in last_row()[:8])
    where = json.dumps(last_row(question="Où?")[-1], ensure_ascii=False)
    latin.write_bytes(good.encode() + where.encode("latin-1"))
    broken.write_text(good + '{"id": "8", "question":\n')
    comma.write_text("id,question,context,answer_text,answer_start\n1,Who?,Ada, who,Ada,0\n")
    twice.write_text('{"question": "Who?", "question": "What?"}\n')
    qas = [{"id": "1", "question": "?", "is_impossible": True}]
    qas[0]["answers"] = [{"text": "London", "answer_start": LONDON.index("London")}]
    paragraph = {"context": LONDON, "qas": qas}
    nested = write_json(folder / "v2.json", {"data": [{"paragraphs": [paragraph]}]})
    return [*files, latin, broken, comma, twice, nested]


def test_the_docs_say_what_is_said(tmp_path):
    table = DOCS.read_text().split("| what is wrong |")[1]
    told = re.findall(r"^\| [^|]* \| `(.*)` \| [^|]* \| [^|]* \|$", table, re.MULTILINE)
    said = []
    for path in bad_files(tmp_path):
        with pytest.raises(DataError) as caught:
            read_examples(path)
        said.append(str(caught.value))
    assert len(told) == len(said)
    for message, found in zip(told, said, strict=True):
        assert message in found
