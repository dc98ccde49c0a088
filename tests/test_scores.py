"""Scores: worked out by hand, and against the definition written out naively."""

import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.errors import DataError
from qa_sweep.qa.scores import Rules, exact_match, f1, normalize_answer, score

some_text = st.text(st.sampled_from("aAnthe bé東,.'-1 \t\n\xa0"), max_size=24) | st.text(
    max_size=12
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Cat", "cat"),
        ("a an the", ""),
        ("theatre of another", "theatre of another"),
        ("U.S.A.", "usa"),
        ("the U.S.", "us"),
        ("it's", "its"),
        ("well-known", "wellknown"),
        ("  two \t words\n", "two words"),
        ("“the” quotes", "“ ” quotes"),  # only ASCII punctuation goes, but an article does
        ("Éclair, the", "éclair"),
        ("A-team", "ateam"),  # punctuation goes first, so this holds no article
        ("1,000", "1000"),
        ("$", ""),
        ("a\u00a0cat", "cat"),
        ("İ", "i̇"),
        ("the_end", "theend"),
    ],
)
def test_normalization(text, normal):
    assert normalize_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ("the cat", "Cat!", 1),
        ("black cat", "cat", 2 / 3),
        ("cat", "black cat", 2 / 3),
        ("cat cat", "cat", 2 / 3),  # a word counts as often as both have it
        ("cat cat dog", "cat cat", 0.8),
        ("b a", "b", 1),
        ("dog", "cat", 0),
        ("", "cat", 0),
        ("cat", "", 0),
        ("the", "a", 0),  # nothing in common, although the match is exact
        ("Denver Broncos", "The Denver Broncos of Colorado", 2 * 1 * 0.5 / 1.5),
    ],
)
def test_f1_by_hand(prediction, reference, expected):
    assert f1(prediction, reference) == expected


def test_exact_match_by_hand():
    assert exact_match("the  Cat.", "cat") == 1
    assert exact_match("cats", "cat") == 0
    assert exact_match("the", "a") == 1


def test_the_best_reference_counts_for_each_measure_apart():
    scores = score({"q": "cat sat"}, {"q": ["dog", "cat", "cat sat down"]})
    assert scores.exact_match == 0
    assert scores.f1 == 100 * (2 * 1 * (2 / 3) / (1 + 2 / 3))


def test_scores_are_means_in_percent_with_each_question_in_the_references_order():
    references = {"b": ["one"], "a": ["two three"], "c": ["four"]}
    scores = score({"a": "two", "b": "One", "c": "five", "other": "x"}, references)
    assert scores.ids == ("b", "a", "c")
    assert scores.exact_match_by_question.tolist() == [1, 0, 0]
    assert scores.f1_by_question.tolist() == [1, 2 / 3, 0]
    assert scores.exact_match == 100 / 3
    assert scores.f1 == 100.0 * (1 + 2 / 3) / 3


def test_a_question_without_a_prediction_scores_nothing():
    assert score({}, {"a": ["x"], "b": []}).exact_match == 0


def test_the_empty_prediction_is_right_where_there_is_no_answer():
    scores = score(
        {"a": "", "b": "cat", "c": "cat", "d": ""}, {"a": [], "b": [], "c": ["cat"], "d": ["x"]}
    )
    assert scores.exact_match_by_question.tolist() == [1, 0, 1, 0]
    assert scores.f1_by_question.tolist() == [1, 0, 1, 0]


def test_references_without_a_word_follow_the_script_of_their_version():
    assert score({"a": "the"}, {"a": ["an"]}).f1 == 0  # v1.1
    scores = score({"a": "the", "b": "the", "c": ""}, {"a": ["an"], "b": ["an", "cat"], "c": []})
    assert scores.f1_by_question.tolist() == [1, 0, 1]  # v2.0
    assert scores.exact_match_by_question.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("prediction", "references", "v1", "v2"),
    [
        # Of several references each measure takes its own best: "cat sat" shares one word of two
        # with "cat" (2 * 1/2 * 1 / (3/2)) and two of three with the longest (2 * 1 * 2/3 / (5/3)).
        ("cat sat", ["cat", "cat sat down"], (0, 0.8), (0, 0.8)),
        # Both sides empty: equal, so exact; no word in common, so v1.1 gives no F1, v2.0 gives 1.
        ("the", ["a"], (1, 0), (1, 1)),
        ("!", ["..."], (1, 0), (1, 1)),
        # The reference "the" has no word: v1.1 compares with it, v2.0 drops it for "cat".
        ("an", ["the", "cat"], (1, 0), (0, 0)),
        # Punctuation goes before articles: "A. B" becomes "a b", and loses its "a".
        ("A. B", ["b"], (1, 1), (1, 1)),
        # "a-b" becomes one word "ab", in which "a" is no article.
        ("a-b", ["b"], (0, 0), (0, 0)),
        # An article next to a character outside ASCII: é and 東 are word characters, “ is none.
        ("thé a東 “the”", ["thé a東 “ ”"], (1, 1), (1, 1)),
        # The sign ’ is no ASCII punctuation and stays; ' goes.
        ("it’s", ["it's"], (0, 0), (0, 0)),
        # Digits are compared as text: 1,000 is 1000; 1.5 is 15.
        ("1,000 or 1.5", ["1000 or 15"], (1, 1), (1, 1)),
        # Words repeated count as often as both have them: two of three, two of two.
        ("no no no", ["no no"], (0, 0.8), (0, 0.8)),
        # ß has no lower-case form but itself; İ becomes i and a combining dot, which is a word.
        ("STRASSE", ["Straße"], (0, 0), (0, 0)),
        # White space of any kind parts words, a zero-width space does not.
        ("new\u2003york", ["New York"], (1, 1), (1, 1)),
        ("new\u200byork", ["New York"], (0, 0), (0, 0)),
    ],
)
def test_hard_cases_by_hand(prediction, references, v1, v2):
    for rules, (exact, overlap) in ((Rules.v1, v1), (Rules.v2, v2)):
        scores = score({"q": prediction}, {"q": references}, rules)
        assert scores.exact_match_by_question.tolist() == [exact]
        assert scores.f1_by_question.tolist() == [pytest.approx(overlap, abs=1e-15)]


def test_means_are_summed_one_question_after_the_other_as_the_scripts_do():
    # Four predictions in turn, with an F1 of 2/3, 0.4, 1 and 0; another order rounds otherwise.
    texts = ["cat dog", "cat b c d", "cat", "x"] * 500
    total = 0.0
    for text in texts:
        total += naive_f1(text, "cat")
    predictions = {str(i): text for i, text in enumerate(texts)}
    scores = score(predictions, {name: ["cat"] for name in predictions})
    assert scores.f1 == 100.0 * total / len(texts)
    assert total != float(scores.f1_by_question.sum())  # else this would show nothing


def test_no_question_is_refused():
    with pytest.raises(DataError, match="at least one question"):
        score({"a": "x"}, {})


def naive_f1(prediction: str, reference: str) -> float:
    """Return F1 as its definition reads, word by word."""
    words = []
    for text in (prediction, reference):
        kept = "".join(c for c in text.lower() if c not in string.punctuation)
        words.append(naive_articles(kept).split())
    common = sum(min(n, Counter(words[1])[word]) for word, n in Counter(words[0]).items())
    if not common:
        return 0
    precision, recall = common / len(words[0]), common / len(words[1])
    return 2 * precision * recall / (precision + recall)


def naive_articles(text: str) -> str:
    """Return `text` with a space for each article that stands as a word."""
    runs: list[str] = []
    for character in text:
        is_word = character.isalnum() or character == "_"
        if runs and is_word and (runs[-1][-1].isalnum() or runs[-1][-1] == "_"):
            runs[-1] += character
        else:
            runs.append(character)
    return "".join(" " if run in {"a", "an", "the"} else run for run in runs)


@given(some_text, some_text)
def test_f1_equals_its_definition(prediction, reference):
    assert f1(prediction, reference) == naive_f1(prediction, reference)


@given(some_text, some_text)
def test_f1_is_symmetric_and_full_only_for_the_same_words(one, other):
    assert f1(one, other) == f1(other, one)
    assert 0 <= f1(one, other) <= 1
    same = sorted(normalize_answer(one).split()) == sorted(normalize_answer(other).split()) != []
    assert (f1(one, other) == 1) == same


@given(some_text)
def test_normalization_leaves_nothing_to_normalize_but_articles_it_made(text):
    normal = normalize_answer(text)
    assert normal == " ".join(normal.split())
    assert not set(normal) & set(string.punctuation)
