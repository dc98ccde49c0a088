"""Cleaning: what a reader sees is tidy, and every span of it leads back to the text as it was."""

import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow.parquet
import pytest
from conftest import run
from hypothesis import given
from hypothesis import strategies as st
from qa_helpers import bert_like, byte_level
from test_local_data import write_json_lines

from qa_sweep.ask import Answerer
from qa_sweep.data import is_cleaning, prepare, set_cleaning
from qa_sweep.model import Reader, load_reader
from qa_sweep.qa.cleaning import clean
from qa_sweep.qa.example import Example, Reference

# Letters, marks in and out of order, jamo, composition exclusions, spaces, unseen characters.
ODD = (
    "aeK \t\n\xa0\u3000\u2000\u200b\ufeff\xad\x00\x1f\u0301\u0323\u0327\u0344\u1100\u1161\u11a8"
    "\uac00\u0958\u09c7\u09be\u212b🙂\u200dé"
)
texts = st.text(st.sampled_from(ODD) | st.characters(codec="utf-8"), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "café"),
        ("a \u200b\n\xa0 b", "a b"),
        ("in\xadvisible \u202bword\u202c\x00", "invisible word"),
        ("\ufefffirst", "first"),
        ("\u1100\u1161\u11a8", "각"),
        ("\u212b", "Å"),
        ("👩\u200d🚀 stays", "👩\u200d🚀 stays"),
        ("line\r\nline", "line line"),
        ("", ""),
    ],
)
def test_text_is_tidied(text, expected):
    assert clean(text).text == expected


@given(texts)
def test_cleaned_text_is_normal_and_stays_as_it_is(text):
    cleaned = clean(text).text
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean(cleaned).text == cleaned
    assert not [char for char in cleaned if char.isspace() and char != " "]
    assert "  " not in cleaned


@given(texts, st.data())
def test_every_span_leads_back_to_what_it_was_made_of(text, data):
    cleaned = clean(text)
    # A character of the original may have become several: a span has all of them or none.
    bounds = [
        0,
        *(i for i in range(1, len(cleaned.text)) if cleaned.starts[i] != cleaned.starts[i - 1]),
        len(cleaned.text),
    ]
    start = data.draw(st.sampled_from(bounds))
    end = data.draw(st.sampled_from([bound for bound in bounds if bound >= start]))
    if start < end:
        ((first, last),) = cleaned.original_spans(np.array([[start, end]]))
        assert 0 <= first < last <= len(text)
        assert clean(text[first:last]).text == cleaned.text[start:end]


@given(texts)
def test_origins_are_in_order_and_cover_all_that_is_seen(text):
    cleaned = clean(text)
    spans = sorted(set(zip(cleaned.starts.tolist(), cleaned.ends.tolist(), strict=True)))
    assert list(dict.fromkeys(zip(cleaned.starts, cleaned.ends, strict=True))) == spans
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    covered = {i for start, end in spans for i in range(start, end)}
    assert "".join(clean(c).text for i, c in enumerate(text) if i not in covered) == ""


DIRTY = "  Ada\xa0\xa0Love\xadlace \u200b\n was  born in Le\u0301on \ufeffin\t1815."
TOKENIZERS = {"bert": bert_like, "byte level": byte_level}


def dirty_example(answer: str) -> Example:
    return Example("1", "Who\u200b  was?", DIRTY, (Reference(answer, DIRTY.index(answer)),))


@pytest.mark.parametrize("make", TOKENIZERS.values(), ids=TOKENIZERS)
@pytest.mark.parametrize("answer", ["Ada\xa0\xa0Love\xadlace", "Le\u0301on", "1815"])
def test_windows_see_clean_text_and_speak_of_the_original(make, answer):
    tokenizer, asked = make(), dirty_example(answer)
    tidy = Example("1", "Who was?", clean(DIRTY).text)
    expected = prepare([tidy], tokenizer, 256, 32)
    set_cleaning(tokenizer, True)
    windows = prepare([asked], tokenizer, 256, 32)
    assert windows.input_ids.tolist() == expected.input_ids.tolist()
    start, end = windows.start_labels[0], windows.end_labels[0]
    assert windows.has_answer.all()
    assert DIRTY[windows.offsets[start, 0] : windows.offsets[end, 1]] == answer


def test_without_cleaning_the_tokenizer_sees_the_text_as_it_is():
    tokenizer = byte_level()
    assert not is_cleaning(tokenizer)
    set_cleaning(tokenizer, True)
    set_cleaning(tokenizer, False)
    asked = dirty_example("1815")
    ids = prepare([asked], tokenizer, 256, 32).input_ids.tolist()
    assert ids == prepare([asked], byte_level(), 256, 32).input_ids.tolist()


def test_a_model_that_reads_cleaned_text_is_saved_as_one(tmp_path):
    from qa_sweep import tiny
    from qa_sweep.config import TinyModel

    tokenizer = tiny.make_tokenizer([DIRTY], 100, 64)
    set_cleaning(tokenizer, True)
    model = tiny.make_model(TinyModel(), tokenizer, 64, 0)
    Reader(model, tokenizer).save(tmp_path / "model")
    assert is_cleaning(load_reader(str(tmp_path / "model")).tokenizer)


def test_a_run_that_cleans_answers_in_the_words_of_the_context(tmp_path):
    contexts = [f"Ada\xa0Love\xadlace  wrote part\u200b {i} \tof it." for i in range(40)]
    rows = [
        {"id": str(i), "question": "Who  wrote it?", "context": context}
        | {"answers": {"text": ["Ada\xa0Love\xadlace"], "answer_start": [0]}}
        for i, context in enumerate(contexts)
    ]
    write_json_lines(tmp_path / "x.jsonl", rows)
    settings = ["data=local", "data.path=x.jsonl", "data.clean=true", "tracking=off"]
    words = [*settings, "trainer.epochs=8", "data.max_length=32", "data.doc_stride=8"]
    done = run(["-m", "qa_sweep", *words, "hydra.run.dir=run"], tmp_path)
    assert done.returncode == 0, done.stderr
    table = pyarrow.parquet.read_table(tmp_path / "run" / "predictions.parquet")
    assert set(table["answer"].to_pylist()) == {"Ada\xa0Love\xadlace"}
    answer = Answerer.of_folder(tmp_path / "run").ask("Who wrote it?", contexts[0])[0]
    assert answer.text == "Ada\xa0Love\xadlace"
