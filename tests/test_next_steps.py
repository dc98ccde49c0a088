"""What a sweep says to type next: commands that find its study, and ask about its own data."""

import shlex
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from predictions_helpers import CONTEXT, Answered, WrittenStudy

from qa_sweep.ask.command import _parser
from qa_sweep.ask.contexts import read_contexts
from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.next_steps import held_out_question, is_typable, next_steps
from qa_sweep.sweep.place import Place
from qa_sweep.terminal import visible

LONG = f"{'Rain fell on the hills. ' * 40}{CONTEXT}{' Nobody was at home.' * 40}"
NO_TRACKING = TrackingConfig(tracker=Tracker.off)


@pytest.fixture
def written(tmp_path, monkeypatch) -> WrittenStudy:
    monkeypatch.chdir(tmp_path)
    return WrittenStudy(tmp_path / "results")


def asked(written: WrittenStudy, *answered: Answered) -> tuple[str, str] | None:
    written.add(answered)
    return held_out_question(written.load().best_folder())


def test_the_study_is_named_and_no_place_where_it_is_the_default_one(written) -> None:
    written.add([Answered("1", "London")])
    report, ask = next_steps(NO_TRACKING, written.load())
    assert report == "python -m qa_sweep.report written"
    words = ["Where was Ada born?", "--context", CONTEXT, "--study", "written"]
    assert shlex.split(ask) == ["python", "-m", "qa_sweep.ask", *words]


def test_another_folder_storage_and_repo_are_named_as_a_shell_takes_them(tmp_path) -> None:
    written = WrittenStudy(tmp_path / "it's here")
    written.add([Answered("1", "London")])
    storage = "mysql://me:${oc.env:PW}@host/s"
    steps = next_steps(TrackingConfig(repo="my runs"), written.load(storage))
    report, ask = map(shlex.split, steps)
    options = ["--results", str(written.results), "--storage", storage]
    assert report[3:] == ["written", *options, "--repo", "my runs"]
    assert ask[-4:] == options


def test_without_a_complete_trial_there_is_nothing_to_type(written) -> None:
    written.add_unfinished()
    assert next_steps(NO_TRACKING, written.load()) == []


def test_the_first_question_with_a_short_context_and_an_answer_is_asked(written) -> None:
    rows = [
        Answered("1", "London", context=LONG, question="In the long one?"),
        Answered("2", "", references=(), question="Without an answer?"),
        Answered("3", "London", question="Where?"),
        Answered("4", "London", question="Where again?"),
    ]
    assert asked(written, *rows) == ("Where?", CONTEXT)


def test_of_a_long_context_the_words_around_the_answer_are_read(written) -> None:
    found = asked(written, Answered("1", "London", context=LONG))
    assert found is not None
    assert "Ada Lovelace was born in London" in found[1]
    assert len(found[1]) <= 300
    assert set(found[1].split()) <= set(LONG.split()), "no word is cut"


def test_a_text_that_would_steer_a_terminal_is_typed_on_one_line(written) -> None:
    context = "It's\n$(reboot) `x`\x1b[2J in London\u202e, at last."
    written.add([Answered("1", "London", context=context, question="Where\n'is' it!?")])
    _, ask = next_steps(NO_TRACKING, written.load())
    assert ask.isprintable()
    _, _, _, question, _, typed, *_ = shlex.split(ask)
    assert question == "Where 'is' it!?"
    assert typed == r"It's $(reboot) `x`\x1b[2J in London\u202e, at last."


@pytest.mark.parametrize("context", ["24/7", "-London", "all of it stands in London.txt"])
def test_a_text_that_would_be_read_as_something_else_is_passed_by(written, context) -> None:
    odd = Answered("1", "", references=("London",), context=context)
    assert asked(written, odd, Answered("2", "London", question="And?")) == ("And?", CONTEXT)
    assert asked(WrittenStudy(Path("others")), odd) is None


@given(st.text(min_size=1), st.text(min_size=1))
def test_what_is_typed_is_what_is_asked(question, context) -> None:
    question, context = visible(question), visible(context)
    assume(question and context and is_typable(question) and is_typable(context))
    options = _parser().parse_args([question, "--context", context])
    assert (options.question, options.context) == (question, [context])
    assert read_contexts([context]).is_bare_text


@pytest.mark.parametrize("content", [None, b"no Parquet"])
def test_without_predictions_only_the_report_is_named(written, content) -> None:
    written.add([Answered("1", "London")])
    predictions = written.load().best_folder() / "predictions.parquet"
    predictions.unlink()
    if content is not None:
        predictions.write_bytes(content)
    assert next_steps(NO_TRACKING, written.load()) == ["python -m qa_sweep.report written"]


@pytest.mark.parametrize(
    ("typed", "url", "option"),
    [
        (None, None, None),
        ("sqlite:///my studies.db",) * 3,
        ("journal:${oc.env:HERE}.log", "journal:s.log", "journal:${oc.env:HERE}.log"),
        ("postgresql://me@host/s?sslmode=require",) * 3,
        ("mysql://me:${oc.env:HERE}@h/s", "mysql://me:s@h/s", "mysql://me:${oc.env:HERE}@h/s"),
        # What means something to the app's config alone:
        ("${database}", "mysql://me:secret@host/s?ssl_key=secret", "mysql://me:***@host/s"),
        ("sqlite:///${hydra.job.name}.db", "sqlite:///app.db", "sqlite:///app.db"),
    ],
)
def test_the_storage_is_named_as_it_was_typed_and_never_with_a_password(
    typed, url, option, monkeypatch
) -> None:
    monkeypatch.setenv("HERE", "s")
    config = OmegaConf.create({"hydra": {"sweep": {"dir": "r"}, "sweeper": {"storage": typed}}})
    assert Place.of(config, url).storage_option == option
