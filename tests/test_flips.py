"""Flips: found, counted, and shown in the terminal and on a page, with texts that do nothing."""

import io
import re
from dataclasses import asdict
from html.parser import HTMLParser

import numpy as np
import pyarrow.parquet
import pytest
from conftest import run
from predictions_helpers import CONTEXT, Answered, WrittenStudy
from rich.console import Console

from qa_sweep.errors import StudyError
from qa_sweep.qa.scores import exact_match
from qa_sweep.report.error_kinds import ERRORS, Kind
from qa_sweep.report.flips import find_flips
from qa_sweep.report.flips_html import flips_section
from qa_sweep.report.flips_text import show_flips
from qa_sweep.report.predicted import read_predicted, read_texts
from qa_sweep.run_files import PREDICTIONS_FILE
from qa_sweep.sweep.repeats import REPEAT, Repeat
from qa_sweep.sweep.studies import StudyOnDisk, find_study

N_QUESTIONS = 64
SMALL_SWEEP = (
    "trainer.batch_size=16 trainer.learning_rate=0.004,0.001 trainer.epochs=1 "
    f"trainer.logging_steps=20 data.n_train=320 data.n_eval={N_QUESTIONS} tracking=off"
)
HOSTILE = "<script>alert(1)</script> [bold]loud[/bold] \x1b[31mred\x1b]0;title\x07 \u202eback\u2066"


def answers(*texts: str) -> list[Answered]:
    """To as many questions, whose reference is `London`."""
    return [Answered(f"q{number}", text) for number, text in enumerate(texts)]


@pytest.fixture
def written(tmp_path) -> WrittenStudy:
    return WrittenStudy(tmp_path / "results")


@pytest.fixture
def pair(written) -> WrittenStudy:
    """Trial 0 alone is right on q1, q2 and q3, trial 1 alone on q4."""
    written.add(answers("London", "London", "London", "London", "1815", "1815"))
    written.add(answers("London", "born in London", "", "Walworth", "London", "Ada"))
    return written


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> StudyOnDisk:
    """What a real sweep of two trials has left."""
    folder = tmp_path_factory.mktemp("small_sweep")
    finished = run(["-m", "qa_sweep", "-m", *SMALL_SWEEP.split()], folder)
    assert finished.returncode == 0, finished.stderr
    return find_study(folder / "results")


def shown(study, one: int, other: int, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show_flips(console, study.load(), one, other)
    return console.file.getvalue()


def test_flips_are_found_in_both_directions(pair) -> None:
    study = pair.load()
    texts = read_texts(study, 0)
    one, other = (read_predicted(study, number, texts) for number in (0, 1))
    flips = find_flips(one, other, 10)
    kinds = {flip.wrong.id: flip.wrong.examined.kind for flip in flips.ways[0].shown}
    assert kinds == {"q1": Kind.too_long, "q2": Kind.false_no_answer, "q3": Kind.wrong_span}
    assert [flip.wrong.id for flip in flips.ways[1].shown] == ["q4"]
    assert flips.p_value == pytest.approx(0.625)  # 3 of 4 tosses, either side
    assert flips.sentences() == [
        "Trial 0 alone gets 3 questions right, trial 1 alone 1 (McNemar's exact p = 0.62)."
    ]


def test_the_surest_wrong_answers_come_first_and_the_rest_is_counted(written) -> None:
    rows = [Answered(f"q{number}", "Walworth", probability=number / 40) for number in range(1, 31)]
    written.add([Answered(row.id, "London") for row in rows])
    written.add(rows)
    text = shown(written, 0, 1)
    assert re.findall(r"id +(q\d+)", text) == [f"q{number}" for number in range(30, 20, -1)]
    assert "… and 20 more" in text
    section = flips_section(written.load())
    assert section.count('<article class="flip">') == 20
    assert "… and 10 more" in section


def test_a_flip_is_shown_with_its_context_answers_reference_diff_and_kind(pair) -> None:
    text = shown(pair, 0, 1)
    assert "Trial 0 right, trial 1 wrong: 3 questions, the surest wrong answers first" in text
    for line in [
        "question   Where was Ada born?",
        "context    Ada Lovelace was [born in «London»] in 1815, and Charles Babbage in",
        "trial 0    London",
        "trial 1    born in London  (probability 0.90)",
        "trial 1    (no answer)",
        "reference  London",
        "diff       [-born in -]London",
        "kind       boundary: too long",
        "kind       false no-answer",
    ]:
        assert line in text


def test_answers_that_are_far_better_though_wrong_are_counted(written) -> None:
    written.add(answers("in London", "London"))
    written.add(answers("1815", "London"))
    assert "trial 0 answers 1 far better (F1 higher by at least 0.5), and trial 1 0." in shown(
        written, 0, 1
    )


def test_runs_in_another_order_are_compared_question_by_question(pair) -> None:
    study = pair.load()
    path = study.folder(1) / PREDICTIONS_FILE
    table = pyarrow.parquet.read_table(path)
    before = shown(pair, 0, 1)
    pyarrow.parquet.write_table(table.take(list(range(len(table)))[::-1]), path)
    assert shown(pair, 0, 1).splitlines()[:3] == before.splitlines()[:3]
    assert sorted(shown(pair, 0, 1).split()) == sorted(before.split())


def test_what_cannot_be_compared_is_said_in_one_line(pair, written) -> None:
    failed = pair.add_unfinished()
    others = pair.add(answers("London"))
    gone = pair.add(answers("London"))
    (pair.load().folder(gone) / PREDICTIONS_FILE).unlink()
    broken = pair.add(answers("London"))
    (pair.load().folder(broken) / PREDICTIONS_FILE).write_bytes(b"PAR1 of nothing")
    old = pair.add(answers(*["London"] * 6))
    path = pair.load().folder(old) / PREDICTIONS_FILE
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.drop_columns("context"), path)
    for one, other, words in [
        (0, failed, "must be complete to be compared, but is fail"),
        (0, others, "must have answered the same questions"),
        (0, gone, "which is not there"),
        (0, broken, "cannot be read"),
        (old, 0, "has no column context"),
        (0, 99, "no trial 99"),
        (0, 0, "two different trials, but both are 0"),
    ]:
        with pytest.raises(StudyError) as raised:
            shown(pair, one, other)
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)


def hostile(written: WrittenStudy) -> WrittenStudy:
    """All texts are hostile; trial 0 is right."""
    context = f"{HOSTILE} before. The answer {HOSTILE} is here. {HOSTILE} behind."
    right, wrong = f"answer {HOSTILE}", f"The answer {HOSTILE} is"
    for text in (right, wrong):
        row = Answered(f"q {HOSTILE}", text, [right], HOSTILE, context)
        written.add([row, Answered("easy", "London")])
    return written


def test_hostile_texts_do_nothing_in_a_terminal(written) -> None:
    study = hostile(written).load()
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    show_flips(console, study, 0, 1)
    text = console.file.getvalue()
    assert "[bold]loud[/bold]" in text
    assert r"\x1b[31mred\x1b]0;title\x07" in text
    assert r"\u202eback\u2066" in text
    only_rich = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert all(char.isprintable() or char == "\n" for char in only_rich)
    assert "\x1b[31mred" not in text.replace(r"\x1b[31mred", "")


class Elements(HTMLParser):
    """What a page is made of; fails where it is not well nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.classes: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            if name == "class":
                self.classes |= set(value.split())

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_hostile_texts_do_nothing_on_a_page(written) -> None:
    section = flips_section(hostile(written).load())
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [bold]loud[/bold]" in section
    assert all(char.isprintable() or char == "\n" for char in section)
    elements = Elements(section)
    assert not elements.tags & {"script", "style", "bold", "img", "a"}
    assert not {name for name in elements.attributes if name.startswith("on") or name == "style"}


def test_the_section_has_flips_kinds_and_label_errors(pair) -> None:
    section = flips_section(pair.load())
    assert section.startswith('<section id="flips" aria-labelledby="flips-title">')
    assert '<h2 id="flips-title">' in section
    elements = Elements(section)
    assert {"flip", "kind", "context", "diff", "answer", "reference"} <= elements.classes
    assert {"details", "summary", "table", "mark", "del"} <= elements.tags
    assert "<del>born in </del>London" in section
    assert "Likely label errors" in section


def test_the_table_counts_each_question_once(pair) -> None:
    section = flips_section(pair.load())
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', section)
    counts = {int(n): list(map(int, re.findall(r"<td>(\d+)</td>", cells))) for n, cells in rows}
    assert {number: sum(row) for number, row in counts.items()} == {0: 6, 1: 6}
    assert [counts[0][0], counts[1][0]] == [4, 2]


def test_the_table_has_the_best_trials_and_says_so(written) -> None:
    for _ in range(22):
        written.add(answers("London", "1815"))
    section = flips_section(written.load(), tied=range(2))
    assert len(re.findall(r'<th scope="row">', section)) == 20
    assert "by kind, of the best 20 of 22 trials" in section


def test_with_repeats_the_flips_are_those_of_the_trial_that_is_called_best(written) -> None:
    """And not of a luckier one."""
    for texts in (["London"] * 3, ["1815"] * 3, *[["London", "London", "1815"]] * 2):
        written.add(answers(*texts))
    for number, trial in enumerate(written.trials):
        trial.params = {"x": number // 2}
        if number % 2:
            trial.user_attrs[REPEAT] = asdict(Repeat("seed", 1, 8))
    assert "<h3>Trial 2 against others</h3>" in flips_section(written.load())


def test_without_errors_or_answers_there_is_no_section(written) -> None:
    assert flips_section(written.load()) == ""
    written.add(answers("London", "London"))
    assert flips_section(written.load()) == ""
    written.add(answers("London", "1815"))
    assert "Trial 0 alone gets 1 question right" in flips_section(written.load())


def test_one_trial_alone_has_kinds_of_errors_and_no_flips(written) -> None:
    written.add(answers("London", "1815"))
    section = flips_section(written.load())
    assert "wrong span" in section
    assert '<article class="flip">' not in section


def test_where_a_question_may_have_no_answer_that_has_a_probability(written) -> None:
    rows = [Answered("q0", "London"), Answered("q1", ""), Answered("q2", "", references=())]
    written.add(rows)
    predicted = read_predicted(written.load(), 0, read_texts(written.load(), 0))
    of_none = 1 / (1 + np.exp([5, -5]) * [2, 1])  # two candidates, or one, of score 0
    expected = [0.9 * (1 - of_none[0]), of_none[1], of_none[1]]
    assert predicted.probability == pytest.approx(expected)
    assert [predicted.span(question) for question in range(3)] == [
        (CONTEXT.index("London"), CONTEXT.index("London") + 6),
        None,
        None,
    ]


def test_the_best_candidate_of_the_text_tells_where_the_answer_stands(written) -> None:
    second = CONTEXT.index("in 1791")
    written.add([Answered("q0", "in", start=second)])
    predicted = read_predicted(written.load(), 0, read_texts(written.load(), 0))
    assert predicted.span(0) == (second, second + 2)


def test_written_predictions_are_as_a_run_leaves_them(written, swept) -> None:
    written.add(answers("London"))
    schemas = [
        pyarrow.parquet.read_schema(study.folder(0) / PREDICTIONS_FILE)
        for study in (written.load(), swept)
    ]
    assert schemas[0].equals(schemas[1])


def test_the_answers_of_a_sweep_stand_where_they_are_said_to(swept) -> None:
    texts = read_texts(swept, 0)
    for number in (0, 1):
        predicted = read_predicted(swept, number, texts)
        for question, answer in enumerate(predicted.answers):
            start, end = predicted.span(question)
            assert texts.contexts[question][start:end] == answer
        assert (predicted.probability > 0).all()
        kinds = predicted.count_kinds()
        assert kinds.total() == N_QUESTIONS
        assert kinds[Kind.right] == predicted.exact_match.sum()


def test_the_flips_of_a_sweep_are_right_in_one_trial_and_wrong_in_the_other(swept) -> None:
    texts = read_texts(swept, 0)
    one, other = (read_predicted(swept, number, texts) for number in (0, 1))
    flips = find_flips(one, other, N_QUESTIONS)
    gained, lost = (way.count for way in flips.ways)
    assert gained - lost == one.exact_match.sum() - other.exact_match.sum()
    assert gained + lost > 0
    for way in flips.ways:
        assert len(way.shown) == way.count
        for flip in way.shown:
            wrong = flip.wrong
            assert max(exact_match(flip.right, text) for text in wrong.references) == 1
            assert max(exact_match(wrong.answer, text) for text in wrong.references) == 0
            start, end = wrong.examined.reference_span
            assert wrong.context[start:end] == wrong.examined.reference


def test_the_flips_of_a_sweep_are_shown(swept) -> None:
    console = Console(file=io.StringIO(), width=120)
    show_flips(console, swept, 1, 0)
    counts = re.findall(r"wrong: (\d+) question", console.file.getvalue())
    section = flips_section(swept)
    Elements(section)
    n_shown = section.count('<article class="flip">')
    assert n_shown == sum(min(20, int(count)) for count in counts) > 0


def test_a_kind_names_each_error_once() -> None:
    assert len({kind.value for kind in ERRORS}) == len(ERRORS) == len(Kind) - 1
