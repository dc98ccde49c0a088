"""The answerer: one context or many, short or long, give the spans that an evaluation finds."""

import logging
from contextlib import suppress

import pytest
from ask_helpers import model_folder, passages, reader
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_sweep import Answerer
from qa_sweep.ask import encoder
from qa_sweep.config import EvaluationConfig
from qa_sweep.errors import DataError, ModelError
from qa_sweep.evaluation import answer
from qa_sweep.model import Reader
from qa_sweep.qa.decisions import Decision
from qa_sweep.qa.example import Example

__all__ = ["model_folder", "passages", "reader"]  # fixtures

QUESTION = "Where was Mira Tolan born?"
CONFIG = EvaluationConfig()


def spans_of(reader: Reader, question: str, contexts: dict[str, str]) -> list[tuple[str, int, int]]:
    """Source, start and end of the best spans, by the scores of each context's own evaluation."""
    found = []
    for name, text in contexts.items():
        examples = [Example("1", question, text)]
        candidates = answer(reader, examples, CONFIG, **reader.trained_with)
        spans = zip(candidates.score, candidates.start_char, candidates.end_char, strict=True)
        found += [(-score, name, int(start), int(end)) for score, start, end in spans]
    return [span for _, *span in sorted(found, key=lambda each: each[0])][: CONFIG.n_best]


def test_answers_are_spans_of_the_context_likeliest_first(reader, passages):
    answers = Answerer(reader).ask(QUESTION, passages[0])
    assert len(answers) == CONFIG.n_best
    assert all(passages[0][each.start : each.end] == each.text != "" for each in answers)
    likely = [each.probability for each in answers]
    assert likely == sorted(likely, reverse=True)
    assert sum(likely) == pytest.approx(1)
    assert {each.source for each in answers} == {None}
    assert Answerer(reader).ask(QUESTION, passages[0], n_best=3) == answers[:3]
    assert len(Answerer(reader).ask(QUESTION, passages[0], n_best=33)) == 33


def test_the_best_spans_of_several_contexts_compete(reader, passages):
    contexts = {f"{i}.txt": text for i, text in enumerate(passages[:5])}
    answers = Answerer(reader).ask(QUESTION, contexts)
    assert len({each.source for each in answers}) > 1
    assert all(contexts[each.source][each.start : each.end] == each.text for each in answers)
    expected = spans_of(reader, QUESTION, contexts)
    assert [[each.source, each.start, each.end] for each in answers] == expected


def test_a_context_of_thousands_of_tokens_is_read_to_its_end(reader, passages):
    long = "\n\n".join(passages * 3)
    assert len(reader.tokenizer(long, verbose=False)["input_ids"]) > 5000
    found = Answerer(reader).ask(QUESTION, long)
    spans = [[each.start, each.end] for each in found]
    assert spans == [span for _, *span in spans_of(reader, QUESTION, {"": long})]
    # The last window is read as well as the first: what stands in both is as likely in both.
    last = Answerer(reader).ask(QUESTION, " ".join(["Nothing. " * 3000, passages[0]]), n_best=1)[0]
    assert last.start > 9 * 3000 or last.text == "Nothing"


def test_many_questions_at_once_are_answered_as_one_by_one(reader, passages, monkeypatch):
    asked = [
        (f"Where was {name} born?", {str(i): text for i, text in enumerate(passages[n : n + 3])})
        for n, name in enumerate(["Mira", "Odo", "Ida Berg", "Mira"])
    ]
    asked.append((QUESTION, passages[0]))
    one_by_one = [Answerer(reader).ask(*each) for each in asked]
    for at_once in (2**20, 1, 500):
        monkeypatch.setattr("qa_sweep.ask.answerer.CHARACTERS_AT_ONCE", at_once)
        together = Answerer(reader).ask_all(asked)
        assert [[(a.text, a.start, a.source) for a in answers] for answers in together] == [
            [(a.text, a.start, a.source) for a in answers] for answers in one_by_one
        ]
        for answers, expected in zip(together, one_by_one, strict=True):
            likely = [each.probability for each in answers]
            assert likely == pytest.approx([each.probability for each in expected], abs=1e-5)


def test_a_context_is_encoded_once(reader, passages, monkeypatch):
    encoded = []
    encode = encoder.encode
    monkeypatch.setattr(
        encoder,
        "encode",
        lambda examples, tokenizer: encoded.append(examples) or encode(examples, tokenizer),
    )
    answerer = Answerer(reader)
    contexts = {"a": passages[0], "b": passages[1]}
    before = answerer.ask(QUESTION, contexts)
    assert answerer.ask("Who is Odo?", contexts) != before
    assert answerer.ask(QUESTION, contexts) == before
    texts = [{example.context for example in examples} for examples in encoded]
    assert texts == [{QUESTION, *contexts.values()}, {"Who is Odo?"}, {QUESTION}]


def test_no_more_contexts_are_kept_than_there_is_room_for(reader, passages, monkeypatch):
    monkeypatch.setattr(encoder, "CHARACTERS_KEPT", len(passages[0]) + len(passages[1]))
    answerer = Answerer(reader)
    answers = [answerer.ask(QUESTION, text) for text in passages[:4]]
    assert sum(map(len, answerer._encoder._kept)) <= len(passages[0]) + len(passages[1])
    assert [answerer.ask(QUESTION, text) for text in passages[:4]] == answers


def test_no_answer_is_said_once_for_all_contexts(reader, passages):
    reader.set_decision(Decision(30, threshold=-1e6))
    answers = Answerer(reader).ask(QUESTION, {"a": passages[0], "b": passages[1]})
    assert (answers[0].text, answers[0].source) == ("", None)
    assert [each.text for each in answers].count("") == 1


def test_a_context_without_a_single_token_has_no_answer(reader):
    (only,) = Answerer(reader).ask(QUESTION, "\u200b\u200b")
    assert (only.text, only.probability) == ("", 1.0)


def test_windows_are_no_longer_than_what_a_model_of_elsewhere_can_read(reader, passages):
    expected = Answerer(reader).ask(QUESTION, passages[0], n_best=1)
    del reader.model.config.qa_windows
    long = " ".join(passages)
    assert encoder.WindowShape.of(reader) == encoder.WindowShape(128, 42)
    assert Answerer(reader).ask(QUESTION, long)[0].text in long
    reader.tokenizer.model_max_length = int(1e30)  # as where a tokenizer does not know
    assert Answerer(reader).ask(QUESTION, passages[0], n_best=1) == expected


def test_a_question_that_leaves_no_room_is_cut_and_said_to_be(reader, passages, caplog):
    with caplog.at_level(logging.WARNING):
        (found,) = Answerer(reader).ask("Where, " * 500, passages[0], n_best=1)
    assert passages[0][found.start : found.end] == found.text
    assert "only the beginning" in caplog.text


@pytest.fixture(scope="module")
def answerer(model_folder) -> Answerer:
    return Answerer.of_folder(model_folder)


@settings(max_examples=20)
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(max_size=30))
def test_whatever_is_asked_about_whatever_is_a_span_or_refused(answerer, text, question):
    with suppress(DataError, ModelError):
        answers = answerer.ask(question, text)
        assert all(text[each.start : each.end] == each.text for each in answers)


@pytest.mark.parametrize(
    ("question", "context", "named"),
    [
        (" ", "A text.", "question"),
        ("Who?", " \n", "context"),
        ("Who?", {}, "context"),
        ("Who?", {"a.txt": "A text.", "b.txt": ""}, "b.txt"),
        ("Who\udcff?", "A text.", "question"),
        ("Who?", "A\ud800 text.", "context"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(answerer, question, context, named):
    with pytest.raises(DataError, match=named):
        answerer.ask(question, context)
