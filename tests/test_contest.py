"""Contest: of equally good runs hardly ever one is called worse, and a better one is found.

Studies are made up here, so that it is known who is better; `benchmarks/verdict.py` has more.
"""

import math

import numpy as np
import pytest

from qa_sweep.report.contest import Contest, hold_contest
from qa_sweep.report.noise import noise_of
from qa_sweep.report.significance import mcnemar

N_STUDIES = 200
AT_MOST = 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / N_STUDIES)  # 5 %, and what chance adds


def study(
    drawing: np.random.Generator,
    n_points: int,
    n_seeds: int = 1,
    *,
    seed_deviation: float = 0.0,
    gain: float = 0.0,
    n_questions: int = 400,
) -> np.ndarray:
    """F1 of runs that find the same questions hard; the first point is better by `gain`."""
    hardness = drawing.normal(size=n_questions)
    chance = drawing.normal(0, 0.5, (n_points, n_seeds, n_questions))
    seeds = drawing.normal(0, 1, (n_points, n_seeds, 1)) * seed_deviation
    wrong = hardness + chance + seeds - 1
    wrong[0] -= gain
    return np.select([wrong < 0, wrong < 0.1, wrong < 0.3], [1.0, 0.8, 0.5])


def contest_of(scores: np.ndarray) -> Contest:
    n_points, n_seeds, _ = scores.shape
    return hold_contest(scores.mean(1), [n_seeds] * n_points, noise_of(list(scores)), n_draws=300)


def p_values_of(scores: np.ndarray) -> np.ndarray:
    return contest_of(scores).p_values


@pytest.mark.parametrize("n_runs", [2, 6, 20])
@pytest.mark.parametrize("is_binary", [False, True])
def test_equally_good_runs_are_all_tied_in_nearly_all_studies(n_runs, is_binary) -> None:
    drawing, n_false = np.random.default_rng(n_runs), 0
    for _ in range(N_STUDIES):
        scores = study(drawing, n_runs)
        n_false += p_values_of((scores == 1) * 1.0 if is_binary else scores).min() < 0.05
    assert n_false / N_STUDIES <= AT_MOST


@pytest.mark.parametrize(("n_points", "n_seeds"), [(2, 2), (2, 5), (6, 3)])
@pytest.mark.parametrize("seed_deviation", [0.0, 0.2])
def test_equally_good_points_are_tied_whatever_their_seeds_do(
    n_points, n_seeds, seed_deviation
) -> None:
    drawing, n_false = np.random.default_rng(n_seeds), 0
    for _ in range(N_STUDIES):
        scores = study(drawing, n_points, n_seeds, seed_deviation=seed_deviation)
        n_false += p_values_of(scores).min() < 0.05
    assert n_false / N_STUDIES <= AT_MOST


def test_without_repeats_the_seeds_noise_is_taken_for_a_lead() -> None:
    """Why repeats are worth their price."""
    drawing, n_false = np.random.default_rng(0), 0
    for _ in range(N_STUDIES):
        n_false += p_values_of(study(drawing, 6, seed_deviation=0.2)).min() < 0.05
    assert n_false / N_STUDIES > 0.5


@pytest.mark.parametrize(("n_points", "n_seeds", "gain"), [(2, 1, 0.3), (20, 1, 0.5), (6, 3, 0.5)])
def test_a_better_one_is_found(n_points, n_seeds, gain) -> None:
    drawing, n_found = np.random.default_rng(1), 0
    for _ in range(50):
        scores = study(drawing, n_points, n_seeds, seed_deviation=0.1 * (n_seeds > 1), gain=gain)
        found = p_values_of(scores)
        n_found += found[0] == 1 and (found[1:] < 0.05).all()
    assert n_found >= 45


def test_of_two_runs_the_p_value_is_mcnemars() -> None:
    drawing = np.random.default_rng(2)
    for _ in range(20):
        scores = (study(drawing, 2)[:, 0] == 1) * 1.0
        found = hold_contest(scores, [1, 1]).p_values.min()
        assert found == pytest.approx(mcnemar(*scores), abs=0.03)


def test_p_values_rise_with_the_rank_and_equal_runs_have_one() -> None:
    scores = study(np.random.default_rng(3), 8)[:, 0]
    scores[5] = scores[scores.mean(1).argmax()]
    found = hold_contest(scores, [1] * 8).p_values
    assert found[5] == found[scores.mean(1).argmax()] == 1
    assert 0 < found.min() <= found.max() == 1


def test_those_further_behind_change_no_p_value_of_those_nearer() -> None:
    """Each is judged when those behind it have been put aside."""
    scores = study(np.random.default_rng(8), 12)[:, 0]
    scores = scores[np.argsort(-scores.mean(1))]
    scores[6:] *= 0.5
    all_p_values, first_p_values = (
        hold_contest(rows, [1] * len(rows), n_draws=700).p_values for rows in (scores, scores[:6])
    )
    assert all_p_values[:6] == pytest.approx(first_p_values)
    assert all_p_values[6:].max() == pytest.approx(1 / 701)


def test_runs_that_all_answer_alike_are_tied() -> None:
    assert hold_contest(np.ones((3, 10)), [1, 1, 1]).p_values.tolist() == [1, 1, 1]


def test_noise_is_told_from_what_questions_do_by_chance() -> None:
    drawing = np.random.default_rng(4)
    scores = 0.5 + drawing.normal(0, 0.02, (50, 4, 1)) + drawing.normal(0, 0.3, (50, 4, 400))
    noise = noise_of(list(scores))
    assert noise is not None
    assert noise.degrees_of_freedom == 150
    assert noise.variance_of_seeds == pytest.approx(0.02**2, rel=0.35)
    assert noise.variance_of_questions == pytest.approx(0.3**2 / 400, rel=0.05)
    assert noise.deviation == pytest.approx(math.sqrt(0.02**2 + 0.3**2 / 400), rel=0.15)
    assert noise_of([row[:1] for row in scores]) is None


@pytest.mark.parametrize(("n_points", "n_seeds"), [(1, 1), (20, 1), (6, 3)])
def test_the_interval_of_the_best_holds_its_true_mean_as_often_as_it_says(
    n_points, n_seeds
) -> None:
    """Though it is the best by chance alone; the mean is known from very many."""
    deviation = 0.2 * (n_seeds > 1)
    many = np.random.default_rng(5)
    truth = study(many, 1, 1_000, seed_deviation=deviation, n_questions=2_000).mean()
    drawing, n_hits = np.random.default_rng(6), 0
    for _ in range(N_STUDIES):
        scores = study(drawing, n_points, n_seeds, seed_deviation=deviation)
        interval = contest_of(scores).intervals[scores.mean((1, 2)).argmax()]
        n_hits += interval.low <= truth <= interval.high
    assert n_hits / N_STUDIES >= 1 - AT_MOST


def test_leads_are_zero_within_their_intervals_in_nearly_all_studies_of_equal_runs() -> None:
    drawing, n_false = np.random.default_rng(7), 0
    for _ in range(N_STUDIES):
        n_false += any(lead.low > 0 for lead in contest_of(study(drawing, 6)).leads)
    assert n_false / N_STUDIES <= AT_MOST
