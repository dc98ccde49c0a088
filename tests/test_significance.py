"""Significance: intervals and tests that err no oftener by chance than they promise."""

import math

import numpy as np
import pytest

from qa_sweep.qa.intervals import mean_interval, resampled_means
from qa_sweep.report.significance import mcnemar


def answers(n_both: int, n_first: int, n_second: int, n_none: int) -> tuple:
    """Right and wrong answers of two runs."""
    first = [1.0] * (n_both + n_first) + [0.0] * (n_second + n_none)
    second = [1.0] * n_both + [0.0] * n_first + [1.0] * n_second + [0.0] * n_none
    return np.array(first), np.array(second)


@pytest.mark.parametrize(
    ("n_first", "n_second", "expected"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (5, 0, 2 / 2**5),
        (6, 1, 2 * (1 + 7) / 2**7),
        (2, 10, 2 * (1 + 12 + 66) / 2**12),
    ],
)
def test_mcnemar_counts_the_tosses_of_a_coin(n_first, n_second, expected) -> None:
    first, second = answers(40, n_first, n_second, 7)
    assert mcnemar(first, second) == pytest.approx(expected)
    assert mcnemar(second, first) == pytest.approx(expected)


def test_mcnemar_of_very_many_answers_meets_the_exact_value() -> None:
    just_exact, above = (mcnemar(*answers(0, n, 49_000, 0)) for n in (51_000, 51_001))
    assert above == pytest.approx(just_exact, rel=0.02)


def test_resampled_means_have_the_spread_that_theory_says() -> None:
    scores = np.random.default_rng(1).choice([0.0, 0.5, 2 / 3, 1.0], 1_000)
    means = resampled_means(scores, seed=0)
    assert means.mean() == pytest.approx(scores.mean(), abs=0.002)
    assert means.std() == pytest.approx(scores.std() / math.sqrt(1_000), rel=0.05)


def test_an_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    drawing = np.random.default_rng(2)
    intervals = [mean_interval(drawing.binomial(1, 0.8, 400).astype(float)) for _ in range(400)]
    n_hits = sum(interval.low <= 0.8 <= interval.high for interval in intervals)
    assert 0.92 <= n_hits / 400 <= 0.98


def test_of_equal_runs_at_most_one_in_twenty_seems_better() -> None:
    """Two runs that are equally likely to be right on each question; questions differ."""
    drawing = np.random.default_rng(3)
    n_pairs = 1_000
    n_false = sum(mcnemar(*runs(drawing, 300, gain=0.0)) < 0.05 for _ in range(n_pairs))
    assert n_false / n_pairs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / n_pairs)


def test_a_clear_lead_is_nearly_always_seen() -> None:
    drawing = np.random.default_rng(4)
    n_seen = sum(mcnemar(*runs(drawing, 1_000, gain=0.1)) < 0.05 for _ in range(100))
    assert n_seen >= 95


def runs(drawing: np.random.Generator, n_questions: int, gain: float) -> tuple:
    easiness = drawing.uniform(0, 1 - gain, n_questions)
    return tuple((drawing.uniform(size=n_questions) < easiness + g) * 1.0 for g in (gain, 0.0))


def test_runs_that_answer_alike_differ_by_nothing() -> None:
    scores = np.array([1.0, 0.0, 0.5])
    assert mcnemar(scores, scores) == 1
