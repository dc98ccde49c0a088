"""Texts of others cannot steer the terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.terminal import visible, visible_json

any_text = st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\u202e\ud83d\U000e0041 "))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\x9b2J", r"\x9b2J"),
        ("abc\u202ecba", r"abc\u202ecba"),
        ("\udcff", r"\udcff"),
        ("naïve 東京 🙂", "naïve 東京 🙂"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_its_code(text, shown):
    assert visible(text) == shown


@given(any_text)
def test_what_is_shown_is_one_line_that_can_be_printed(text):
    shown = visible(text)
    shown.encode()
    assert "\n" not in shown
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)


@given(any_text)
def test_json_says_the_same_without_unsafe_characters(text):
    shown = visible_json(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(shown) == json.loads(json.dumps({"text": text}))
    shown.encode()
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
