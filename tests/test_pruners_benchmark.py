"""That `benchmarks/pruners.py` plays a pruner as a sweep would have it."""

import sys
from pathlib import Path

import optuna
import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from pruners import Curve, Played, play, within
from speed_parts.search import FINER, GRIDS, TUTORIALS

from qa_sweep.sweep.pruners import make_pruner

BATCH_SIZE, LEARNING_RATE = "trainer.batch_size", "trainer.learning_rate"


def curve(*values: float, params: dict | None = None) -> Curve:
    return Curve(params or {}, values, seconds=10.0 * len(values))


def played(pruner: str, settings: dict, *curves: Curve) -> Played:
    study = optuna.create_study(direction="maximize", pruner=make_pruner(pruner, settings))
    return play(study, curves)


def test_without_a_pruner_nothing_is_saved_and_nothing_lost() -> None:
    curves = [curve(1, 2, 3), curve(2, 3, 5), curve(0, 0, 1)]
    assert played("none", {}, *curves) == Played(ratio=1.0, lost=0.0)


def test_two_workers_are_at_work_and_what_lags_costs_what_it_came_to() -> None:
    """The third and fourth begin when the first two are done; each is ended at once."""
    good, bad = curve(5, 6, 7, 8), curve(1, 2, 3, 4)
    halves = {"min_resource": 1, "reduction_factor": 2}
    found = played("asha", halves, good, good, bad, bad)
    assert found == Played(ratio=pytest.approx(16 / 10), lost=0.0)


def test_a_late_winner_is_lost() -> None:
    found = played("asha", {"min_resource": 1, "reduction_factor": 2}, curve(5, 6), curve(1, 9))
    assert found.lost == 3


def test_a_grids_points_are_found_in_the_finer_one() -> None:
    rates = (0.01, 0.004, 0.001, 0.0004, 0.0001, 0.00004)
    finer = [curve(0, params={BATCH_SIZE: n, LEARNING_RATE: r}) for n in (8, 16, 32) for r in rates]
    assert within(FINER, finer) == finer
    six = [tuple(each.params.values()) for each in within(TUTORIALS, finer)]
    assert six == [(n, r) for n in (16, 32) for r in (0.004, 0.0004, 0.00004)]
    assert len(GRIDS) == 2
