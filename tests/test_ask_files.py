"""What is read to be asked about, and files of questions."""

import io
import json
import os

import pyarrow
import pyarrow.parquet
import pytest

from qa_sweep.ask.contexts import read_contexts
from qa_sweep.ask.questions import Question, read_questions
from qa_sweep.errors import DataError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write files by name into the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(**contents: str | bytes) -> None:
        for name, content in contents.items():
            path = tmp_path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def give_input(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_an_argument_is_a_text_a_file_a_folder_or_standard_input(files, monkeypatch):
    files(a_txt="In a.", d__b_md="In b.", d__e__c_TXT="In c.")
    give_input(monkeypatch, b"From outside.")
    found = read_contexts(["Ada was born.", "a.txt", "d", "-"])
    assert found.texts == {
        "text 1": "Ada was born.",
        "a.txt": "In a.",
        "d/b.md": "In b.",
        "d/e/c.TXT": "In c.",
        "-": "From outside.",
    }
    assert found.context == found.texts
    assert found.notes == ()


def test_a_single_text_has_no_name(files):
    files(a_txt="In a.")
    assert read_contexts(["Ada was born."]).context == "Ada was born."
    assert read_contexts(["a.txt"]).context == {"a.txt": "In a."}
    assert read_contexts(["x" * 10_000]).context == "x" * 10_000
    assert read_contexts(["Ada."]).context == "Ada."
    assert read_contexts(["~nobody at home"]).context == "~nobody at home"


def test_offsets_are_those_of_the_file_whatever_its_line_ends(files):
    files(a_txt=b"One.\r\nTwo.\r\n")
    assert read_contexts(["a.txt"]).texts["a.txt"][6:10] == "Two."


def test_of_a_folder_texts_are_read_and_the_rest_is_counted(files):
    files(
        d__a_txt="In a.",
        d__binary_txt=b"\x89PNG\xff\x00",
        d__latin_md="caf\u00e9".encode("latin-1"),
        d__zeros_txt=b"text\0text",
        d__blank_md=" \n",
        d__picture_png=b"\x89PNG",
        **{"d__.hidden_txt": "Not for you."},
        **{"d__.git__x_txt": "Neither."},
    )
    os.mkfifo("d/pipe.txt")
    found = read_contexts(["d"])
    assert found.texts == {"d/a.txt": "In a."}
    (note,) = found.notes
    assert note.startswith("d: 1 file is read; left out: ")
    for part in ("3 not in UTF-8 (d/binary.txt, …)", "1 empty (d/blank.md)", "1 of other kinds"):
        assert part in note


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("missing.txt", "missing.txt"),
        ("my notes.txt", "my notes.txt"),
        ("docs/none", "docs/none"),
        ("passage.html", "passage.html"),
        ("latin.txt", "0xe9 at 3"),
        ("blank.txt", "empty"),
        ("nothing", r"\.txt"),
        ("pictures", r"1 of other kinds \(pictures/a.png\)"),
        (" ", "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(files, given, named):
    files(latin_txt="caf\u00e9".encode("latin-1"), blank_txt="\n", pictures__a_png=b"\x89")
    os.mkdir("nothing")
    with pytest.raises(DataError, match=named):
        read_contexts([given])


def test_plain_text_has_a_question_a_line(files, monkeypatch):
    content = "\ufeffWho?\r\n\n  Where? \n"
    files(q_txt=content)
    expected = [Question("Who?", "line 1"), Question("Where?", "line 3")]
    assert read_questions("q.txt") == expected
    give_input(monkeypatch, content.encode())
    assert read_questions("-") == expected


ROWS = [
    {"question": "Who?"},
    {"id": 7, "question": "Where?", "context": "In Oslo.", "answers": {"text": ["Oslo"]}},
    {"question": "Why?", "context": None, "answers": [{"text": "No", "answer_start": 99}]},
    {"question": "When?", "context": "", "answer_text": "1815", "answer_start": ""},
]
QUESTIONS = [
    Question("Who?", "line 1"),
    Question("Where?", "7", "In Oslo.", "Oslo"),
    Question("Why?", "line 3", None, "No"),
    Question("When?", "line 4", None, "1815"),
]


def test_json_lines_may_leave_all_but_the_question_out(files):
    files(q_jsonl="\n".join(map(json.dumps, ROWS)))
    assert read_questions("q.jsonl") == QUESTIONS


def test_csv_may_leave_all_but_the_question_out(files):
    files(
        q_csv='id,question,context,answers,answer_text\n,"Who, then?",,,\n'
        '7,Where?,"In\nOslo.","{""text"": [""Oslo""]}",\n,When?,,,1815\n'
    )
    assert read_questions("q.csv") == [
        Question("Who, then?", "line 2"),
        Question("Where?", "7", "In\nOslo.", "Oslo"),
        Question("When?", "line 5", None, "1815"),
    ]
    files(p_csv="question\nWho?\n")
    assert read_questions("p.csv") == [Question("Who?", "line 2")]


def test_squads_json_and_parquet_are_read_as_data_are(files):
    answers = {"text": ["Oslo"], "answer_start": [3]}
    qas = [
        {"id": "1", "question": "Where?", "answers": [{"text": "Oslo", "answer_start": 3}]},
        {"id": "2", "question": "Who?", "answers": [], "is_impossible": True},
    ]
    files(q_json=json.dumps({"data": [{"paragraphs": [{"context": "In Oslo.", "qas": qas}]}]}))
    where = Question("Where?", "1", "In Oslo.", "Oslo")
    assert read_questions("q.json") == [where, Question("Who?", "2", "In Oslo.")]
    row = {"id": "1", "question": "Where?", "context": "In Oslo.", "answers": answers}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), "q.parquet")
    assert read_questions("q.parquet") == [where]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("q_txt", "\n", "empty"),
        ("q_txt", b"Who\xff", "0xff"),
        ("q_jsonl", '{"question": "Who?"}\n{"question"', "q.jsonl, line 2, column"),
        ("q_jsonl", '["Who?"]', "q.jsonl, line 1: must be an object"),
        ("q_jsonl", '{"id": 1}', "line 1: field question is missing"),
        ("q_jsonl", '{"question": 5}', "question must be a text"),
        ("q_jsonl", '{"question": "Who?", "context": 5}', "context must be a text"),
        ("q_csv", "question\nWho, then?\n", "line 2: must have 1 fields"),
        ("q_csv", 'question\n"Who?', "must be CSV"),
        ("q_csv", "query\nWho?\n", "field question is missing"),
        ("q_json", "[]", "must be an object"),
    ],
)
def test_a_broken_file_of_questions_is_refused_with_its_place(files, name, content, named):
    files(**{name: content})
    with pytest.raises(DataError, match=named):
        read_questions(name.replace("_", "."))


def test_a_missing_file_of_questions_is_named(files):
    with pytest.raises(DataError, match=r"no none\.txt"):
        read_questions("none.txt")
