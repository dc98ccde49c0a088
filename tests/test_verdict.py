"""The verdict: ties are named as ties, and a real lead as one."""

import numpy as np
import pytest

from qa_sweep.report.answers import RunAnswers, on_same_questions
from qa_sweep.report.verdict import judge, listed

N_QUESTIONS = 1_000
IDS = tuple(map(str, range(N_QUESTIONS)))


def run(number: int, n_right: int, seconds: float = 1.0, *, shift: int = 0) -> RunAnswers:
    """A run that is right on `n_right` questions in a row, from question `shift` on."""
    right = np.zeros(N_QUESTIONS)
    right[shift : shift + n_right] = 1.0
    return RunAnswers(number, IDS, {"f1": right, "exact_match": right}, seconds)


@pytest.mark.parametrize("metric", ["f1", "exact_match"])
def test_runs_that_differ_by_chance_are_tied_and_the_cheapest_is_named(metric) -> None:
    runs = [run(3, 802, 9.0), run(5, 800, 2.0, shift=5), run(0, 799, 5.0, shift=3), run(1, 600)]
    verdict = judge(runs, metric)
    assert verdict.tied == [3, 5, 0]
    name = {"f1": "F1", "exact_match": "EM"}[metric]
    assert verdict.sentence() == (
        f"Trials 3, 5 and 0 are tied for best ({name} 80.2 ± 2.4); 5 costs least."
    )


def test_a_real_lead_is_named_as_one() -> None:
    sentence = judge([run(1, 600), run(4, 800)], "f1").sentence()
    assert sentence == (
        "Trial 4 is best (F1 80.0 ± 2.4): its lead over the other is more than chance."
    )


def test_one_run_alone_is_the_only_one() -> None:
    assert (
        judge([run(2, 500)], "f1").sentence() == "Trial 2 is the only complete one (F1 50.0 ± 3.1)."
    )


def test_the_more_rivals_the_clearer_a_lead_must_be() -> None:
    best, rival = run(0, 809), run(1, 800)
    assert not judge([best, rival], "exact_match").rivals[0].is_tied
    many = judge([best, *(run(number, 800) for number in range(1, 40))], "exact_match")
    assert all(rival.is_tied for rival in many.rivals)


def test_of_equally_good_runs_one_is_seldom_called_best() -> None:
    """Six runs, each right with probability 0.8 on each question, and 100 such studies."""
    drawing = np.random.default_rng(0)
    n_false = 0
    for _ in range(100):
        scores = drawing.binomial(1, 0.8, (6, N_QUESTIONS)).astype(float)
        runs = [
            RunAnswers(number, IDS, {"f1": right, "exact_match": right}, 1.0)
            for number, right in enumerate(scores)
        ]
        n_false += len(judge(runs, "f1").tied) == 1
    assert n_false <= 5


def test_runs_are_put_into_the_same_order_and_others_left_out() -> None:
    first, second = run(0, 10), run(1, 20)
    reversed_ids = RunAnswers(
        1, IDS[::-1], {name: values[::-1] for name, values in second.scores.items()}, 1.0
    )
    other = RunAnswers(2, ("x", *IDS[1:]), first.scores, 1.0)
    comparable = on_same_questions([first, reversed_ids, other])
    assert [answers.number for answers in comparable] == [0, 1]
    assert np.array_equal(comparable[1].scores["f1"], second.scores["f1"])


def test_numbers_are_listed_as_one_says_them() -> None:
    assert [listed([3]), listed([3, 5]), listed([3, 5, 0])] == ["3", "3 and 5", "3, 5 and 0"]
