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
    return scored(number, right, seconds)


def scored(
    number: int, right: np.ndarray, seconds: float = 1.0, params: dict | None = None
) -> RunAnswers:
    return RunAnswers(number, IDS, {"f1": right, "exact_match": right}, seconds, params)


@pytest.mark.parametrize("metric", ["f1", "exact_match"])
def test_runs_that_differ_by_chance_are_tied_and_the_cheapest_is_named(metric) -> None:
    runs = [run(3, 802, 9.0), run(5, 800, 2.0, shift=5), run(0, 799, 5.0, shift=3), run(1, 600)]
    verdict = judge(runs, metric)
    assert verdict.tied == [3, 5, 0]
    name = {"f1": "F1", "exact_match": "EM"}[metric]
    assert verdict.sentence() == (
        f"Trials 3, 5 and 0 are tied for best ({name} 80.2 ± 2.8); 5 costs least."
    )


def test_a_real_lead_is_named_as_one() -> None:
    sentence = judge([run(1, 600), run(4, 800)], "f1").sentence()
    assert sentence == (
        "Trial 4 is best (F1 80.0 ± 2.8): its lead over the other is more than chance."
    )


def test_one_run_alone_is_the_only_one() -> None:
    assert (
        judge([run(2, 500)], "f1").sentence() == "Trial 2 is the only complete one (F1 50.0 ± 3.1)."
    )


def test_the_best_of_many_needs_a_clearer_lead_than_one_of_two() -> None:
    """All 40 are equally good; the first and the last of them alone look very different."""
    scores = np.random.default_rng(0).binomial(1, 0.8, (40, N_QUESTIONS)).astype(float)
    runs = [scored(number, right) for number, right in enumerate(scores)]
    by_score = sorted(runs, key=lambda run: run.scores["f1"].mean())
    assert not judge([by_score[0], by_score[-1]], "f1").rivals[0].is_tied
    assert all(rival.is_tied for rival in judge(runs, "f1").rivals)


def test_copies_of_a_rival_make_its_lead_no_less_clear() -> None:
    best, rival = run(0, 809), run(1, 800)
    assert not judge([best, rival], "exact_match").rivals[0].is_tied
    many = judge([best, *(run(number, 800) for number in range(1, 40))], "exact_match")
    assert not any(rival.is_tied for rival in many.rivals)


def test_the_interval_of_the_best_of_many_is_wider_than_that_of_one_alone() -> None:
    scores = np.random.default_rng(1).binomial(1, 0.8, (20, N_QUESTIONS)).astype(float)
    verdict = judge([scored(number, right) for number, right in enumerate(scores)], "f1")
    alone = judge([scored(0, verdict.contender.scores("f1"))], "f1")
    assert 1.3 < verdict.interval.margin / alone.interval.margin < 1.7


def test_without_repeats_it_is_said_that_the_seeds_part_is_not_known() -> None:
    assert "Seeds were not repeated" in judge([run(0, 600), run(1, 500)], "f1").lines()[1]


SLOW, QUICK = {"trainer.batch_size": 16, "rate": 0.004}, {"trainer.batch_size": 32, "rate": 0.004}


def test_repeats_are_judged_as_points() -> None:
    runs = [
        *(seeded(number, 0.9, SLOW) for number in (0, 2, 4)),
        *(seeded(number, 0.7, QUICK) for number in (1, 3, 5)),
    ]
    verdict = judge(runs, "f1")
    assert verdict.sentence() == (
        "Best is batch size 16, rate 0.004 (trials 0, 2 and 4) "
        f"(F1 {100 * mean_of(runs[:3]):.1f} ± {100 * verdict.interval.margin:.1f} over 3 seeds): "
        "its lead over the other is more than chance."
    )
    assert verdict.tied == [0, 2, 4]
    assert "4 degrees of freedom); so few seeds show large leads alone." in verdict.note()


def test_a_lead_within_the_seeds_noise_is_a_tie_and_the_cheaper_point_is_named() -> None:
    """Each run alone is far from each other; the points are not."""
    rights = {0: 0.90, 1: 0.86, 2: 0.80, 3: 0.84, 4: 0.88, 5: 0.80}
    runs = [
        seeded(number, right, QUICK if number % 2 else SLOW, seconds=9.0 - number % 2)
        for number, right in rights.items()
    ]
    assert (
        not judge([scored(run.number, run.scores["f1"]) for run in runs], "f1").rivals[-1].is_tied
    )
    verdict = judge(runs, "f1")
    assert sorted(verdict.tied) == [0, 1, 2, 3, 4, 5]
    assert verdict.sentence().startswith("Tied for best (F1 ")
    assert verdict.sentence().endswith(
        "are batch size 16, rate 0.004 (trials 0, 2 and 4) and batch size 32, rate 0.004 "
        "(trials 1, 3 and 5); trials 1, 3 and 5 cost least."
    )


def test_a_sweep_that_was_stopped_among_its_first_repeats_is_judged_by_trials() -> None:
    runs = [seeded(0, 0.9, SLOW), seeded(1, 0.7, QUICK), seeded(2, 0.9, SLOW)]
    verdict = judge(runs, "f1")
    assert sorted(verdict.tied) == [0, 2]
    assert verdict.sentence().startswith("Trials ")
    assert verdict.note().startswith("Seeds were repeated too few times to judge points")


def test_repeats_of_one_point_have_nothing_to_be_compared_with() -> None:
    sentence = judge([seeded(number, 0.8, {}) for number in (0, 1)], "f1").sentence()
    assert sentence.startswith("The only complete point is trials 0 and 1 (F1 ")


def seeded(number: int, share_right: float, params: dict, seconds: float = 1.0) -> RunAnswers:
    right = np.random.default_rng(number).binomial(1, share_right, N_QUESTIONS).astype(float)
    return scored(number, right, seconds, params)


def mean_of(runs: list[RunAnswers]) -> float:
    return float(np.mean([run.scores["f1"] for run in runs]))


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
