"""The data report: its counts are right, its exit code says whether a run could use the data."""

import json
import subprocess

import pytest
from conftest import run
from test_local_data import write_json_lines

from qa_sweep.config import LocalData
from qa_sweep.config.data import HoldoutBy, OnBadRow
from qa_sweep.data import prepare
from qa_sweep.data.lengths import measure
from qa_sweep.data.report import make_report
from qa_sweep.data.settings import read_settings
from qa_sweep.data.sources import load_examples
from qa_sweep.errors import ConfigError


def row(id: int, context: str, question: str = "Who was it?", answer: str | None = None) -> dict:
    found = [] if answer is None else [answer]
    starts = [context.index(text) for text in found]
    answers = {"text": found, "answer_start": starts}
    return {
        "id": str(id),
        "title": context[:1],
        "context": context,
        "question": question,
        "answers": answers,
    }


TRAIN = [
    row(1, "Ada wrote it.", answer="Ada"),
    row(2, "Ada wrote it.", "When was it?"),
    row(3, "Ada wrote it.", answer="it"),
    row(4, "Bob did not.", answer="Bob"),
]
EVAL = [row(1, "Ada wrote it.", answer="Ada"), row(2, "Cy came " + "again " * 400, answer="Cy")]


@pytest.fixture
def files(tmp_path):
    train = write_json_lines(tmp_path / "train.jsonl", TRAIN)
    return LocalData(path=str(train), eval_path=str(write_json_lines(tmp_path / "x.jsonl", EVAL)))


def test_counts_are_right(files):
    report = make_report(files, None)
    train, held_out = report.splits["train"], report.splits["eval"]
    assert (train.n_questions, train.n_contexts, train.n_titles) == (4, 2, 2)
    assert (train.n_unanswerable, train.references_per_answer, train.n_asked_twice) == (1, 1.0, 1)
    assert (held_out.n_questions, held_out.n_contexts) == (2, 2)
    overlap = report.overlap
    assert (overlap.n_contexts, overlap.n_eval_questions, overlap.n_same_questions) == (1, 1, 1)
    assert (report.n_rows, report.broken, report.problems) == (6, [], [])


def test_lengths_in_words_count_question_context_and_marks(files):
    lengths = make_report(files, None).lengths
    assert (lengths.unit, lengths.median, lengths.longest) == ("words", 9, 3 + 402 + 3)
    assert sum(bar.count for bar in lengths.histogram) == 6
    assert (lengths.n_windows, lengths.n_in_several_windows) == (7, 1)


def test_lengths_in_tokens_are_those_of_the_windows(files):
    from qa_sweep import tiny

    examples = load_examples(files).train
    tokenizer = tiny.make_tokenizer([e.context for e in examples], 100, 64)
    windows = prepare(examples, tokenizer, 64, 16)
    lengths = measure(examples, tokenizer, 64, 16)
    assert (lengths.unit, lengths.longest) == ("tokens", windows.lengths.max())
    assert lengths.n_windows == len(windows)


def test_answers_that_no_window_holds_are_counted(tmp_path):
    long = "word " * 60
    rows = [row(1, f"In {long}end.", answer=long.strip()), row(2, "Ada wrote it.", answer="Ada")]
    path = str(write_json_lines(tmp_path / "x.jsonl", rows))
    lengths = make_report(LocalData(path=path, max_length=32, doc_stride=8), None).lengths
    assert (lengths.n_answers_cut, lengths.n_in_several_windows) == (1, 1)


def test_what_each_policy_would_do_is_told(tmp_path):
    moved = {**TRAIN[0], "answers": {"text": ["Ada"], "answer_start": [5]}}
    rows = [*TRAIN[1:], moved, {**TRAIN[3], "id": "9", "question": ""}, TRAIN[1]]
    path = str(write_json_lines(tmp_path / "x.jsonl", rows))
    reports = {
        policy: make_report(LocalData(path=path, on_bad_row=policy, holdout=0.5), None)
        for policy in OnBadRow
    }
    for report in reports.values():
        assert [(group.count, group.n_repairable) for group in report.broken] == [
            (1, 1),
            (1, 0),
            (1, 0),
        ]
        assert report.broken[0].first[0].startswith(f"{path}, line 4: answer 'Ada' must stand")
    assert [bool(reports[policy].problems) for policy in OnBadRow] == [True, False, False]
    used = {
        policy: sum(split.n_questions for split in report.splits.values())
        for policy, report in reports.items()
    }
    assert used[OnBadRow.repair] == used[OnBadRow.skip] + 1 == 4


def test_a_hold_out_by_context_leaves_no_overlap(tmp_path):
    rows = [row(i, f"Passage {i // 3} is here.", f"Question {i}?") for i in range(12)]
    path = str(write_json_lines(tmp_path / "x.jsonl", rows))
    overlaps = {
        by: make_report(LocalData(path=path, holdout_by=by, holdout=0.5), None).overlap
        for by in (HoldoutBy.question, HoldoutBy.context)
    }
    assert overlaps[HoldoutBy.question].n_eval_questions > 0
    assert overlaps[HoldoutBy.context].n_eval_questions == 0


def report_command(folder, *words: str) -> subprocess.CompletedProcess:
    return run(["-m", "qa_sweep.data", *words], folder)


def test_the_command_prints_one_screen_and_its_code_says_whether_all_is_well(tmp_path):
    write_json_lines(tmp_path / "good.jsonl", [row(i, f"Passage {i}.") for i in range(20)])
    write_json_lines(tmp_path / "bad.jsonl", [*TRAIN, {**TRAIN[0], "id": "5", "question": ""}])
    good, bad = (report_command(tmp_path, f"{name}.jsonl") for name in ("good", "bad"))
    assert (good.returncode, good.stderr) == (0, "")
    assert "no row is broken" in good.stdout
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "bad.jsonl, line 5: question must not be empty" in bad.stdout
    for shown in (good, bad):
        assert 10 < len(shown.stdout.splitlines()) < 50
    assert report_command(tmp_path, "bad.jsonl", "data.on_bad_row=skip").returncode == 0


def test_the_command_speaks_json(tmp_path):
    write_json_lines(tmp_path / "good.jsonl", [row(i, f"Passage {i}.") for i in range(20)])
    shown = report_command(tmp_path, "good.jsonl", "--json", "--max-length", "64", "--doc-stride=8")
    content = json.loads(shown.stdout)
    assert content["is_usable"] is True
    assert content["splits"]["train"]["n_questions"] == 16
    assert content["lengths"]["max_length"] == 64


def test_data_that_cannot_be_read_are_one_line(tmp_path):
    for words in (["nothing.json"], ["nothing.json", "data.columns={q: x}"], ["x.txt"]):
        shown = report_command(tmp_path, *words)
        assert (shown.returncode, shown.stdout) == (1, "")
        assert shown.stderr.startswith("qa_sweep: ")
        assert len(shown.stderr.splitlines()) == 1


def test_settings_are_words_as_a_run_takes_them():
    words = ["data.columns={question: q}", "data.columns.id=key", "data.holdout_by=title"]
    config = read_settings(LocalData, [*words, "data.limit_train=5", "data.holdout=0.1"], path="x")
    assert config.columns.renamed() == {"id": "key", "question": "q"}
    assert (config.holdout_by, config.limit_train, config.holdout) == (HoldoutBy.title, 5, 0.1)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("data.hold_out=0.1", "data.hold_out is no setting; did you mean data.holdout"),
        ("data.columns={qustion: q}", "did you mean data.columns.question"),
        ("trainer.epochs=1", "trainer.epochs is no setting"),
        ("data.seed", "must be written as data.KEY=VALUE, but got 'data.seed'"),
        ("data.seed=abc", "data.seed must be like 0, but got 'abc'"),
        ("data.clean=1", "data.clean must be like False, but got 1"),
        ("data.on_bad_row=drop", "must be one of fail, repair, skip, but got 'drop'"),
        ("data.columns=[", "must be written as data.KEY=VALUE"),
        ("data.holdout=2", "data.holdout must lie between 0 and 1"),
    ],
)
def test_a_setting_that_is_not_one_is_refused(word, message):
    with pytest.raises(ConfigError) as caught:
        read_settings(LocalData, [word], path="x")
    assert message in str(caught.value)


def test_a_run_refuses_broken_rows_in_one_line_that_counts_them(tmp_path):
    rows = [*TRAIN, *({**TRAIN[0], "id": f"b{i}", "question": ""} for i in range(3))]
    write_json_lines(tmp_path / "x.jsonl", rows)
    done = run(["-m", "qa_sweep", "data=local", "data.path=x.jsonl"], tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "qa_sweep: x.jsonl, line 5: question must not be empty (id 'b0') (2 rows are broken too: "
        "`python -m qa_sweep.data x.jsonl` lists them)"
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl"]
