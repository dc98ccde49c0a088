"""Local data and its sources: every format, every broken row by its name, limits and hold-out."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from qa_sweep.config import (
    DataConfig,
    EmbeddedData,
    LocalData,
    QuestionConfig,
    QuestionsConfig,
)
from qa_sweep.config.data import Columns, HoldoutBy
from qa_sweep.data import load_examples, load_questions, read_examples
from qa_sweep.errors import ConfigError, DataError
from qa_sweep.qa.example import Example, Reference

CONTEXT = 'Ada, "the first",\nwrote it in 1843.'
ROWS = [
    {
        "id": "1",
        "title": "Ada",
        "context": CONTEXT,
        "question": "Who wrote it?",
        "answers": {"text": ["Ada", "Ada, "], "answer_start": [0, 0]},
    },
    {
        "id": "2",
        "title": "Ada",
        "context": CONTEXT,
        "question": "When?",
        "answers": {"text": ["1843"], "answer_start": [CONTEXT.index("1843")]},
    },
    {
        "id": "3",
        "title": "Ada",
        "context": CONTEXT,
        "question": "Why?",
        "answers": {"text": [], "answer_start": []},
    },
]
EXPECTED = [
    Example("1", "Who wrote it?", CONTEXT, (Reference("Ada", 0), Reference("Ada, ", 0)), "Ada"),
    Example("2", "When?", CONTEXT, (Reference("1843", CONTEXT.index("1843")),), "Ada"),
    Example("3", "Why?", CONTEXT, (), "Ada"),
]


def pairs(row: dict) -> list[dict]:
    texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
    return [{"text": t, "answer_start": s} for t, s in zip(texts, starts, strict=True)]


def nested(rows: list[dict], **more: object) -> dict:
    """Return rows of one context in SQuAD's nested format; `more` goes into each question."""
    qas = [
        {"id": row["id"], "question": row["question"], "answers": pairs(row), **more}
        for row in rows
    ]
    return {"data": [{"title": "Ada", "paragraphs": [{"context": CONTEXT, "qas": qas}]}]}


def write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_json_lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[dict]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: list[dict]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def with_json_answers(row: dict) -> dict:
    return {**row, "answers": json.dumps(row["answers"])}


def with_answer_columns(row: dict) -> dict:
    """Return a row whose first answer is in the columns answer_text and answer_start."""
    first = (pairs(row) or [{"text": "", "answer_start": ""}])[0]
    plain = {name: row[name] for name in ("id", "title", "context", "question")}
    return {**plain, "answer_text": first["text"], "answer_start": first["answer_start"]}


WRITERS = {
    "nested.json": lambda path: write_json(path, nested(ROWS)),
    "lines.jsonl": lambda path: write_json_lines(path, ROWS),
    "lists.jsonl": lambda path: write_json_lines(path, [{**r, "answers": pairs(r)} for r in ROWS]),
    "flat.csv": lambda path: write_csv(path, [with_json_answers(row) for row in ROWS]),
    "flat.parquet": lambda path: write_parquet(path, ROWS),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_examples(tmp_path, name):
    assert read_examples(WRITERS[name](tmp_path / name)) == EXPECTED


def test_csv_takes_one_answer_in_columns(tmp_path):
    path = write_csv(tmp_path / "columns.csv", [with_answer_columns(row) for row in ROWS])
    first = Example("1", "Who wrote it?", CONTEXT, (Reference("Ada", 0),), "Ada")
    assert read_examples(path) == [first, *EXPECTED[1:]]


def test_nested_json_of_version_2_may_be_impossible(tmp_path):
    content = nested(ROWS[2:], is_impossible=True, plausible_answers=[{"text": "Ada"}])
    assert read_examples(write_json(tmp_path / "v2.json", content)) == EXPECTED[2:]


def test_a_byte_order_mark_and_empty_lines_do_no_harm(tmp_path):
    path = write_json_lines(tmp_path / "bom.jsonl", ROWS)
    path.write_text("\ufeff" + path.read_text().replace("\n", "\n\n"), encoding="utf-8")
    assert read_examples(path) == EXPECTED


def test_csv_takes_a_context_as_long_as_a_book(tmp_path):
    row = {**ROWS[2], "context": "word " * 50_000}
    path = write_csv(tmp_path / "book.csv", [with_json_answers(row)])
    limit = csv.field_size_limit()
    assert len(read_examples(path)[0].context) == 250_000
    assert csv.field_size_limit() == limit


BROKEN_FIELDS = {
    "question is missing": ({"question": ...}, "field question is missing; found id, title"),
    "context is a number": ({"context": 5}, "context must be a text, but got 5"),
    "half a character": ({"question": "\ud83d?"}, "question must be Unicode text"),
    "question is blank": ({"question": " "}, "question must not be empty"),
    "id is a list": ({"id": []}, "id must be a text or a whole number, but got []"),
    "title is a number": ({"title": 1}, "title must be a text, but got 1"),
    "answers is missing": ({"answers": ...}, "field answers is missing"),
    "answers is a text": ({"answers": "Ada"}, "answers must hold the lists text and answer_start"),
    "answer_start is missing": (
        {"answers": {"text": ["Ada"]}},
        ", answers: field answer_start is missing; found text",
    ),
    "lists of unlike length": (
        {"answers": {"text": ["Ada"], "answer_start": []}},
        ", answers: text and answer_start must be of one length, but got 1 and 0",
    ),
    "start is a text": (
        {"answers": {"text": ["Ada"], "answer_start": ["0"]}},
        ", answers[0]: answer_start must be a whole number, but got '0'",
    ),
    "answer is a number": (
        {"answers": [{"text": 1843, "answer_start": 0}]},
        ", answers[0]: answer text must be a text, but got 1843",
    ),
    "pair is a text": ({"answers": ["Ada"]}, ", answers[0]: must hold text and answer_start"),
    "answer is elsewhere": (
        {"answers": {"text": ["Ada"], "answer_start": [4]}},
        "answer 'Ada' must stand at character 4 of its context, where ' \"t' was found",
    ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN_FIELDS.values(), ids=BROKEN_FIELDS)
def test_a_broken_row_is_named_with_its_field(tmp_path, change, message):
    broken = {name: value for name, value in {**ROWS[1], **change}.items() if value is not ...}
    path = write_json_lines(tmp_path / "broken.jsonl", [ROWS[0], broken])
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert str(caught.value).startswith(f"{path}, line 2")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_row_of_csv_is_named_by_the_line_on_which_it_starts(tmp_path):
    rows = [with_json_answers(row) for row in (ROWS[0], {**ROWS[1], "question": ""})]
    path = write_csv(tmp_path / "broken.csv", rows)  # the context of each row has two lines
    with pytest.raises(DataError, match="line 4: question must not be empty"):
        read_examples(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,question\n1,2,3\n", "line 2: must have 2 fields as the header has, but got 3"),
        (
            "id,question\n1,2\n",
            "line 2: field context is missing; found id, question; add it to the row, or say "
            "data.columns.context=… data.columns.answers=… or data.columns.answer_text=…",
        ),
        ("id,question,context,answers\n1,q,c,{\n", "line 2: answers must be JSON"),
        (
            "id,question,context,answer_text,answer_start\n1,q,c,c,x\n",
            "line 2, answers[0]: answer_start must be",
        ),
        ("id,question,context,answer_text\n1,q,c,c\n", "line 2, answers[0]: answer_start must be"),
        ('id,question\n1,"open\n', "must be CSV: unexpected end of data"),
    ],
)
def test_a_broken_csv_file_is_named_by_line(tmp_path, text, message):
    path = tmp_path / "broken.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert message in str(caught.value)


def test_a_broken_row_of_parquet_is_named_by_number(tmp_path):
    broken = {**ROWS[1], "answers": {"text": ["Eve"], "answer_start": [0]}}
    path = write_parquet(tmp_path / "broken.parquet", [ROWS[0], broken])
    with pytest.raises(DataError, match=r"broken\.parquet, row 2: answer 'Eve' must stand"):
        read_examples(path)


BROKEN_NESTED = {
    "no data": ({"version": "1.1"}, ": field data is missing; found version"),
    "a list": ([], ": must be an object with named fields, but got []"),
    "no paragraphs": ({"data": [{}]}, ", data[0]: field paragraphs is missing; found none"),
    "no context": (
        {"data": [{"paragraphs": [{"qas": []}]}]},
        ", data[0].paragraphs[0]: field context",
    ),
    "qas is an object": (
        {"data": [{"paragraphs": [{"context": "c", "qas": {}}]}]},
        ", data[0].paragraphs[0]: qas must be a list, but got {}",
    ),
    "no answers": (
        {"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q"}]}]}]},
        ", data[0].paragraphs[0].qas[0]: field answers is missing",
    ),
    "impossible with answers": (
        nested(ROWS[1:2], is_impossible=True),
        ".qas[0]: answers must be empty where is_impossible is true",
    ),
    "possible without answers": (
        nested(ROWS[1:], is_impossible=False),
        ".qas[1]: answers must not be empty where is_impossible is false",
    ),
    "is_impossible is a text": (
        nested(ROWS[:1], is_impossible="no"),
        ".qas[0]: is_impossible must be true or false, but got 'no'",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_NESTED.values(), ids=BROKEN_NESTED)
def test_a_broken_place_of_nested_json_is_named(tmp_path, content, message):
    path = write_json(tmp_path / "broken.json", content)
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", '{"data": [\n  {]}', "line 2, column 4: must be JSON"),
        ("x.json", "{}\n{}\n", "a file of one object a line must end in .jsonl"),
        ("x.jsonl", '{"id": 1}\n{"id": \n', "x.jsonl, line 1: field question is missing"),
        ("x.jsonl", "\n[1\n", "line 2, column 3: must be JSON"),
        ("x.jsonl", "5\n", "line 1: must be a record with named fields, but got 5"),
        ("x.json", "", "must hold at least one question, but is empty"),
        ("x.json", '{"data": []}', "must hold at least one question, but is empty"),
        ("x.jsonl", "\n", "must hold at least one question, but is empty"),
        ("x.csv", "", "must hold at least one question, but is empty"),
        ("x.csv", "id,question,context,answers\n", "must hold at least one question"),
        ("x.parquet", "no", "must be a Parquet file, but cannot be read"),
        ("x.txt", "no", "must end in one of .json, .jsonl, .csv, .parquet, but got .txt"),
    ],
)
def test_a_file_that_is_not_in_its_format_is_named(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"id": "é"}'.encode("latin-1"))
    with pytest.raises(DataError, match="must be text in UTF-8, but holds the byte 0xe9"):
        read_examples(path)


def test_a_missing_file_is_named_with_what_was_perhaps_meant(tmp_path):
    write_json(tmp_path / "train.json", {})
    with pytest.raises(DataError, match=r"trian\.json: .* did you mean train\.json\?"):
        read_examples(tmp_path / "trian.json")
    with pytest.raises(DataError, match=r"the folder .*nowhere does not exist"):
        read_examples(tmp_path / "nowhere" / "train.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"or a folder with files that end in \.json, .* any"):
        read_examples(tmp_path / "empty")


def many(n: int) -> list[dict]:
    return [{**ROWS[0], "id": str(i)} for i in range(n)]


@pytest.fixture
def ten(tmp_path):
    return str(write_json_lines(tmp_path / "ten.jsonl", many(10)))


def test_hold_out_parts_the_file_by_seed(ten):
    splits = load_examples(LocalData(path=ten, holdout=0.3))
    other = load_examples(LocalData(path=ten, holdout=0.3, seed=1))
    ids = [[example.id for example in split] for split in (splits.train, splits.eval)]
    assert [len(split) for split in ids] == [7, 3]
    assert sorted(ids[0] + ids[1]) == [str(i) for i in range(10)]
    assert {example.id for example in other.eval} != set(ids[1])


def three_titles(tmp_path) -> Path:
    """Twenty questions about ten contexts, of which one stands under two of three titles."""
    contexts = [f"Passage {i} is here." for i in range(10)]
    answers = {"text": ["Passage"], "answer_start": [0]}
    rows = [
        {"id": str(i), "question": "Q?", "context": contexts[i // 2], "answers": answers}
        for i in range(20)
    ]
    for i, row in enumerate(rows):
        row["title"] = "ABCD"[i // 5]  # context 2 under A and B, context 7 under C and D
    return write_json_lines(tmp_path / "titles.jsonl", rows)


@pytest.mark.parametrize("by", [HoldoutBy.context, HoldoutBy.title])
def test_hold_out_by_leaves_no_passage_on_both_sides(tmp_path, by):
    path, sides = str(three_titles(tmp_path)), set()
    for seed in range(8):
        config = LocalData(path=path, holdout=0.5, holdout_by=by, seed=seed)
        splits = load_examples(config)
        for field in ("context", "title") if by is HoldoutBy.title else ("context",):
            train, held_out = ({getattr(e, field) for e in s} for s in (splits.train, splits.eval))
            assert train.isdisjoint(held_out)
        ids = [example.id for example in (*splits.train, *splits.eval)]
        assert sorted(ids, key=int) == [str(i) for i in range(20)]
        assert len(splits.eval) == 10
        sides.add(frozenset(example.id for example in splits.eval))
    assert len(sides) > 1


def test_limits_come_after_the_hold_out(tmp_path):
    path = str(three_titles(tmp_path))
    config = LocalData(path=path, holdout_by=HoldoutBy.context, limit_train=5, limit_eval=3)
    splits = load_examples(config)
    assert (len(splits.train), len(splits.eval)) == (5, 3)
    assert {e.context for e in splits.train}.isdisjoint(e.context for e in splits.eval)


def test_a_hold_out_that_cannot_be_is_refused(ten, tmp_path):
    with pytest.raises(DataError, match=r"must be two contexts .* all 10 questions have one"):
        load_examples(LocalData(path=ten, holdout_by=HoldoutBy.context))
    untitled = [{k: v for k, v in row.items() if k != "title"} for row in many(3)]
    path = write_json_lines(tmp_path / "untitled.jsonl", untitled)
    with pytest.raises(DataError, match="must have a title to be held out by"):
        load_examples(LocalData(path=str(path), holdout_by=HoldoutBy.title))


def test_a_folder_is_all_its_files(tmp_path):
    write_json_lines(tmp_path / "b.jsonl", many(3))
    write_csv(tmp_path / "a.csv", [with_json_answers({**ROWS[1], "id": "a"})])
    write_parquet(tmp_path / "c.parquet", [{**ROWS[1], "id": "c"}])
    (tmp_path / "README.md").write_text("no data")
    (tmp_path / ".hidden.jsonl").write_text("no data")
    assert [e.id for e in read_examples(tmp_path)] == ["a", "0", "1", "2", "c"]
    splits = load_examples(LocalData(path=str(tmp_path), holdout=0.4))
    assert (len(splits.train), len(splits.eval)) == (3, 2)


@pytest.mark.parametrize(
    "names",
    [
        ["train.jsonl", "eval.jsonl"],
        ["train-v1.1.jsonl", "dev-v1.1.jsonl", "test.jsonl"],
        ["train-00000-of-00001.jsonl", "validation-00000-of-00001.jsonl"],
        ["Train.jsonl", "test.jsonl"],
    ],
)
def test_files_of_a_folder_are_splits_by_their_names(tmp_path, names):
    for number, name in enumerate(names):
        write_json_lines(tmp_path / name, [{**row, "id": f"{number}"} for row in ROWS[:1]])
    splits = load_examples(LocalData(path=str(tmp_path)))
    assert ([e.id for e in splits.train], [e.id for e in splits.eval]) == (["0"], ["1"])


@pytest.mark.parametrize(
    "names",
    [["train.jsonl", "more.jsonl"], ["train.jsonl", "dev.jsonl", "eval.jsonl"], ["test.jsonl"]],
)
def test_a_folder_whose_splits_are_not_clear_is_refused(tmp_path, names):
    for number, name in enumerate(names):
        write_json_lines(tmp_path / name, [{**ROWS[0], "id": f"{number}"}])
    with pytest.raises(DataError, match=r"must hold files to train on .* but holds .*\.jsonl"):
        load_examples(LocalData(path=str(tmp_path)))


def test_a_new_file_in_a_folder_is_read(tmp_path):
    write_json_lines(tmp_path / "a.jsonl", many(5))
    before = load_examples(LocalData(path=str(tmp_path)))
    write_json_lines(tmp_path / "b.jsonl", [{**ROWS[0], "id": "b"}])
    after = load_examples(LocalData(path=str(tmp_path)))
    sizes = [len(splits.train) + len(splits.eval) for splits in (before, after)]
    assert sizes == [5, 6]


COLUMNS = {"question": "q", "context": "text", "answers": "gold", "id": "key"}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_columns_may_have_other_names(tmp_path, suffix):
    theirs = [{COLUMNS.get(name, name): value for name, value in row.items()} for row in ROWS]
    path = tmp_path / f"x.{suffix}"
    if suffix == "csv":
        write_csv(path, [{**row, "gold": json.dumps(row["gold"])} for row in theirs])
    else:
        {"jsonl": write_json_lines, "parquet": write_parquet}[suffix](path, theirs)
    splits = load_examples(
        LocalData(path=str(path), eval_path=str(path), columns=Columns(**COLUMNS))
    )
    assert splits.train == EXPECTED


def test_a_name_that_is_no_column_is_refused(tmp_path):
    path = write_json_lines(tmp_path / "x.jsonl", ROWS)
    with pytest.raises(DataError, match=r"field q \(data\.columns\.question\) is missing"):
        load_examples(LocalData(path=str(path), columns=Columns(question="q")))


def test_nested_json_has_no_columns_to_rename(tmp_path):
    path = write_json(tmp_path / "x.json", nested(ROWS))
    with pytest.raises(DataError, match=r"leave data\.columns out"):
        load_examples(LocalData(path=str(path), columns=Columns(question="q")))


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_an_answer_may_be_in_columns_of_its_own(tmp_path, suffix):
    flat = [with_answer_columns(row) for row in ROWS[:2]]
    flat.append({**with_answer_columns(ROWS[2]), "answer_text": None, "answer_start": None})
    path = tmp_path / f"x.{suffix}"
    {"jsonl": write_json_lines, "parquet": write_parquet}[suffix](path, flat)
    first = Example("1", "Who wrote it?", CONTEXT, (Reference("Ada", 0),), "Ada")
    assert read_examples(path) == [first, *EXPECTED[1:]]


def test_answer_columns_may_hold_lists_and_have_other_names(tmp_path):
    rows = [
        {"id": r["id"], "title": "Ada", "context": CONTEXT, "question": r["question"]}
        | {"span": r["answers"]["text"], "at": r["answers"]["answer_start"]}
        for r in ROWS
    ]
    path = str(write_json_lines(tmp_path / "x.jsonl", rows))
    columns = Columns(answer_text="span", answer_start="at")
    assert load_examples(LocalData(path=path, eval_path=path, columns=columns)).eval == EXPECTED


def test_offsets_of_csv_may_be_written_as_pandas_does(tmp_path):
    rows = [with_answer_columns(row) for row in ROWS]
    rows[1]["answer_start"] = f"{rows[1]['answer_start']}.0"
    assert read_examples(write_csv(tmp_path / "x.csv", rows))[1] == EXPECTED[1]


def test_limits_count_examples_of_each_split(ten):
    splits = load_examples(LocalData(path=ten, eval_path=ten, limit_train=4, limit_eval=2))
    assert [example.id for example in splits.train] == ["0", "1", "2", "3"]
    assert [example.id for example in splits.eval] == ["0", "1"]


def test_the_same_config_is_read_once(ten):
    splits = load_examples(LocalData(path=ten))
    assert load_examples(LocalData(path=ten)) is splits
    assert load_examples(LocalData(path=ten, max_length=64, doc_stride=8)) is splits
    assert load_examples(LocalData(path=ten, limit_train=1)) is not splits


def test_a_changed_file_is_read_again(ten):
    before = load_examples(LocalData(path=ten))
    write_json_lines(Path(ten), many(12))
    after = load_examples(LocalData(path=ten))
    assert len(after.train) + len(after.eval) == 12
    assert len(before.train) + len(before.eval) == 10


def test_an_id_that_occurs_twice_is_refused(tmp_path):
    path = write_json_lines(tmp_path / "twice.jsonl", [*many(3), ROWS[0]])
    with pytest.raises(DataError, match=r"line 4: id must differ .* '1' is that of line 2"):
        load_examples(LocalData(path=str(path), eval_path=str(path)))


def test_an_empty_split_is_refused(tmp_path):
    path = write_json_lines(tmp_path / "one.jsonl", many(1))
    with pytest.raises(DataError, match="the train split must have at least one example"):
        load_examples(LocalData(path=str(path)))


def test_embedded_data_needs_no_file():
    splits = load_examples(EmbeddedData(n_train=20, n_eval=10, limit_train=5))
    assert (len(splits.train), len(splits.eval)) == (5, 10)


def test_an_unknown_kind_of_data_is_refused():
    with pytest.raises(ConfigError, match="must be one of embedded, hub and local"):
        load_examples(DataConfig(name="x"))


def test_questions_are_the_items_and_then_the_file(tmp_path):
    rows = [{"question": "Who?", "context": CONTEXT}, {**ROWS[1], "id": "q7"}]
    path = write_json_lines(tmp_path / "questions.jsonl", rows)
    items = [QuestionConfig("When?", CONTEXT, "1843"), QuestionConfig("Why?", CONTEXT)]
    found = load_questions(QuestionsConfig(path=str(path), items=items))
    assert [example.id for example in found] == ["question-1", "question-2", "line 1", "q7"]
    assert [len(example.references) for example in found] == [1, 0, 0, 1]
    assert load_questions(QuestionsConfig()) == []


def test_a_reference_that_is_not_in_its_context_is_refused():
    items = [QuestionConfig("When?", CONTEXT, "1844")]
    with pytest.raises(DataError, match=r"questions\.items\[0\]: reference must stand"):
        load_questions(QuestionsConfig(items=items))


def test_reading_files_imports_no_heavy_library():
    heavy = {"datasets", "torch", "pandas", "transformers", "evaluate", "pyarrow", "tokenizers"}
    code = f"import sys, qa_sweep.data, qa_sweep.qa; print({heavy} & set(sys.modules))"
    root = Path(__file__).parent.parent
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert found.stdout.strip() == "set()"
