"""Noise: how much a run's score changes with its seed, told from repeats.

Shapes: `scores` (n_runs, n_questions) of the runs of one point, which differ in their seed alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Of a run's mean score, between seeds, pooled over points.

    `variance` is what is seen between the runs of a point. A part of it, `variance_of_questions`,
    is no more than that runs which are equally good fail on different questions; it would vanish
    with more questions. The rest is the seed's.
    """

    variance: float
    variance_of_questions: float
    degrees_of_freedom: int

    @property
    def deviation(self) -> float:
        """The noise floor: the standard deviation of a run's score from seed to seed."""
        return sqrt(self.variance)

    @property
    def variance_of_seeds(self) -> float:
        return max(0.0, self.variance - self.variance_of_questions)


def noise_of(points: Sequence[Scores]) -> Noise | None:
    """None where no point has several runs.

    The parts are those of an analysis of variance of runs by questions (Searle et al., Variance
    Components, 1992).
    """
    repeated = [scores for scores in points if len(scores) > 1]
    n_degrees = sum(len(scores) - 1 for scores in repeated)
    if n_degrees == 0:
        return None
    n_questions = repeated[0].shape[1]
    of_runs, rest = 0.0, 0.0
    for scores in repeated:
        deviations = scores - scores.mean(axis=0)
        means = deviations.mean(axis=1)
        of_runs += float((means**2).sum())
        rest += float(((deviations - means[:, None]) ** 2).sum())
    n_rest = n_degrees * max(1, n_questions - 1)
    return Noise(of_runs / n_degrees, rest / n_rest / n_questions, n_degrees)
