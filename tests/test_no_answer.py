"""No answer: the v2.0 script's metrics, worked out by hand and against its definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_scores import naive_articles

from qa_sweep.errors import DataError
from qa_sweep.qa.no_answer import squad_v2

# Four questions: a and b have an answer, c and d have none.
REFERENCES = {"a": ["the cat"], "b": ["black dog", "dog"], "c": [], "d": []}
PREDICTIONS = {"a": "cat", "b": "big dog", "c": "", "d": "bird"}
NO_ANSWER = {"a": 0.1, "b": 0.3, "c": 0.8, "d": 0.6}


def test_exact_and_f1_of_all_and_by_answerability():
    # a is exact; b shares "dog" with "dog": precision 1/2, recall 1, F1 2/3; c is rightly empty;
    # d is not empty.
    assert squad_v2(PREDICTIONS, REFERENCES) == {
        "exact": 50.0,
        "f1": 100.0 * (1 + 2 / 3 + 1 + 0) / 4,
        "total": 4,
        "HasAns_exact": 50.0,
        "HasAns_f1": 100.0 * (1 + 2 / 3) / 2,
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
    }


def test_questions_above_the_threshold_count_as_left_unanswered():
    # Above 0.3 are c and d, which then are right, d too; b stands at 0.3, which is not above.
    found = squad_v2(PREDICTIONS, REFERENCES, NO_ANSWER, threshold=0.3)
    assert (found["HasAns_exact"], found["NoAns_exact"]) == (50, 100)
    # Above 0.2 is b too, which then is wrong.
    found = squad_v2(PREDICTIONS, REFERENCES, NO_ANSWER, threshold=0.2)
    assert found["HasAns_f1"] == 50


def test_best_threshold_by_hand():
    found = squad_v2(PREDICTIONS, REFERENCES, NO_ANSWER)
    # Nothing answered: 2 of 4. Answering a (0.1) makes 3; b (0.3) adds nothing to exact and 2/3 to
    # F1; d (0.6) is not empty and takes 1; c (0.8) is empty and takes nothing.
    assert (found["best_exact"], found["best_exact_thresh"]) == (75, 0.1)
    assert (found["best_f1"], found["best_f1_thresh"]) == (100.0 * (2 + 1 + 2 / 3) / 4, 0.3)


def test_average_precision_by_hand():
    found = squad_v2(PREDICTIONS, REFERENCES, NO_ANSWER)
    # Recall rises by 1/2 at a (precision 1/1), and for the oracle at b (2/2); exact gains no more.
    assert found["pr_exact_ap"] == 50
    assert found["pr_oracle_ap"] == 100
    assert found["pr_f1_ap"] == 100.0 * (1 * 0.5 + (1 + 2 / 3) / 2 * ((1 + 2 / 3) / 2 - 0.5))


def test_a_curve_has_no_point_between_equal_scores():
    # All at once: four questions, two of them answerable. Precision 2/4 at recall 1.
    found = squad_v2(PREDICTIONS, REFERENCES, dict.fromkeys(REFERENCES, 0.5))
    assert found["pr_oracle_ap"] == 50


def test_the_best_threshold_is_looked_for_between_equal_scores_too_in_the_order_given():
    # The script's own: a comes first, gains its point, and d's loss behind it no longer matters.
    found = squad_v2(PREDICTIONS, REFERENCES, {"a": 0.5, "d": 0.5, "b": 0.5, "c": 0.5})
    assert found["best_exact"] == 75
    found = squad_v2(PREDICTIONS, REFERENCES, {"d": 0.5, "a": 0.5, "b": 0.5, "c": 0.5})
    assert (found["best_exact"], found["best_exact_thresh"]) == (50, 0)  # never above the start


def test_a_prediction_without_a_word_is_right_but_loses_its_point_when_answered():
    # "the" normalizes to nothing, which is right; yet it is not empty, so answering d takes 1.
    found = squad_v2({"a": "x", "d": "the"}, {"a": ["cat"], "d": []}, {"d": 0.1, "a": 0.2})
    assert found["NoAns_exact"] == 100
    assert (found["best_exact"], found["best_exact_thresh"]) == (50, 0)


def test_a_question_whose_references_have_no_word_has_an_answer_that_is_the_empty_one():
    # bool(answers) makes it HasAns, the references that count are [""]; left out by the threshold,
    # it counts as wrong all the same.
    found = squad_v2({"a": "the"}, {"a": ["an", "!"]}, {"a": 0.9}, threshold=0.5)
    assert (found["HasAns_total"], found["HasAns_exact"]) == (1, 0)
    assert (found["best_exact"], found["best_exact_thresh"]) == (100, 0.9)
    assert squad_v2({"a": "the"}, {"a": ["an"]})["HasAns_f1"] == 100
    assert "NoAns_total" not in found


def test_where_no_question_has_an_answer_there_is_no_curve():
    found = squad_v2({"a": ""}, {"a": []}, {"a": 0.5})
    assert found["best_f1"] == 100
    assert not {"pr_f1_ap", "HasAns_total"} & set(found)


def test_scores_of_other_questions_are_ignored_and_missing_ones_are_named():
    with_other = squad_v2(PREDICTIONS, REFERENCES, {"other": 0.0, **NO_ANSWER})
    assert with_other == squad_v2(PREDICTIONS, REFERENCES, NO_ANSWER)
    with pytest.raises(DataError, match="'b' has none"):
        squad_v2(PREDICTIONS, REFERENCES, {"a": 0.1})
    with pytest.raises(DataError, match="must be numbers"):
        squad_v2(PREDICTIONS, REFERENCES, {**NO_ANSWER, "a": math.nan})


# --- the definition, question by question ---


def words_of(text):
    kept = "".join(c for c in text.lower() if c not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return naive_articles(kept).split()


def naive_pair(text, golds):
    """Return exact match and F1 of a text, the best of the references for each."""
    wordy = [gold for gold in golds if words_of(gold)] or [""]
    exact = max(int(words_of(text) == words_of(gold)) for gold in wordy)
    return exact, max(naive_overlap(words_of(text), words_of(gold)) for gold in wordy)


def naive_overlap(found, wanted):
    if not found or not wanted:
        return int(found == wanted)
    left = list(wanted)
    n_common = 0
    for word in found:
        if word in left:
            left.remove(word)
            n_common += 1
    if not n_common:
        return 0
    precision, recall = n_common / len(found), n_common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def plain_sum(values):
    total = 0.0
    for value in values:
        total += value
    return total


def naive_v2(predictions, references, no_answer, threshold):
    raw = {q: naive_pair(predictions[q], golds) for q, golds in references.items()}
    found = {}
    for prefix, questions in {
        "": list(references),
        "HasAns_": [q for q in references if references[q]],
        "NoAns_": [q for q in references if not references[q]],
    }.items():
        if not questions:
            continue
        for nth, name in enumerate(("exact", "f1")):
            values = [
                float(not references[q]) if no_answer[q] > threshold else raw[q][nth]
                for q in questions
            ]
            found[prefix + name] = 100.0 * plain_sum(values) / len(questions)
        found[prefix + "total"] = len(questions)
    ranked = sorted(no_answer, key=lambda q: no_answer[q])
    for nth, name in enumerate(("exact", "f1")):
        total = best = sum(not golds for golds in references.values())
        best_threshold = 0.0
        for q in ranked:
            if references[q]:
                total += raw[q][nth]
            elif predictions[q]:
                total -= 1
            if total > best:
                best, best_threshold = total, no_answer[q]
        found[f"best_{name}"] = 100.0 * best / len(references)
        found[f"best_{name}_thresh"] = best_threshold
    if any(references.values()):
        values = {
            "exact": {q: pair[0] for q, pair in raw.items()},
            "f1": {q: pair[1] for q, pair in raw.items()},
            "oracle": {q: float(bool(golds)) for q, golds in references.items()},
        }
        for name, value in values.items():
            found[f"pr_{name}_ap"] = naive_precision(value, references, no_answer, ranked)
    return found


def naive_precision(value, references, no_answer, ranked):
    n_answerable = sum(bool(golds) for golds in references.values())
    correct = area = last_recall = 0.0
    for i, q in enumerate(ranked):
        if references[q]:
            correct += value[q]
        is_last = i == len(ranked) - 1
        if is_last or no_answer[ranked[i + 1]] != no_answer[q]:
            recall = correct / n_answerable
            area += correct / (i + 1) * (recall - last_recall)
            last_recall = recall
    return 100.0 * area


texts = st.lists(
    st.sampled_from(["a", "the", "The", "cat", "Cat.", "dog", "black", "!", "東京", "x-y", ""]),
    max_size=4,
).map(" ".join)
scores = st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]) | st.floats(0, 1)


@st.composite
def answered(draw):
    n = draw(st.integers(1, 12))
    questions = [f"q{i}" for i in range(n)]
    references = {q: draw(st.lists(texts, max_size=3)) for q in questions}
    predictions = {q: draw(texts) for q in questions}
    no_answer = {q: draw(scores) for q in draw(st.permutations(questions))}
    return predictions, references, no_answer


@given(answered(), scores)
def test_the_metrics_equal_their_definition_to_the_last_digit(problem, threshold):
    assert squad_v2(*problem, threshold) == naive_v2(*problem, threshold)
