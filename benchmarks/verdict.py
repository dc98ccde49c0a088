"""What the verdict is worth: studies made up such that it is known which runs are equally good.

    python benchmarks/verdict.py [--studies 1000]

An answer's score comes of how hard its question is for all runs alike, of what its point makes of
it, of chance, and of the run's seed; the sum is normal, so that a run's true mean is known.

Shapes: scores (n_points, n_seeds, n_questions), from 0 to 1.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from qa_sweep.qa.intervals import mean_interval
from qa_sweep.report.contest import Contest, hold_contest
from qa_sweep.report.noise import Scores, noise_of

LEVEL = 0.05
N_DRAWS = 500  # of chance, in each study
NORMAL = NormalDist()
# How wrong an answer is (in deviations, beyond what is right), and its F1.
PARTLY_RIGHT = ((0.10, 0.8), (0.22, 2 / 3), (0.35, 0.4))


@dataclass(frozen=True)
class Study:
    """`shared` and `of_point` are shares of what decides about an answer; the rest is chance.

    `seed_deviation` is the seed's part, by the deviation of all else.
    """

    metric: str = "f1"
    n_questions: int = 400
    n_points: int = 2
    n_seeds: int = 1
    share_right: float = 0.8
    shared: float = 0.8
    of_point: float = 0.0
    seed_deviation: float = 0.0

    def draw(self, drawing: np.random.Generator, gain: float = 0.0) -> Scores:
        """The first point's exact match is better by `gain`, in expectation."""
        size = (self.n_points, self.n_seeds, self.n_questions)
        wrong = sqrt(self.shared) * drawing.normal(size=self.n_questions)
        wrong = wrong + sqrt(self.of_point) * drawing.normal(size=(self.n_points, 1, size[2]))
        wrong = wrong + sqrt(1 - self.shared - self.of_point) * drawing.normal(size=size)
        wrong += self.seed_deviation * drawing.normal(size=(*size[:2], 1))
        wrong[0] -= self._bound(self.share_right + gain) - self._bound(self.share_right)
        return self._score(wrong - self._bound(self.share_right))

    @property
    def true_mean(self) -> float:
        """Of a point without gain, over all seeds and questions."""
        bound, deviation = self._bound(self.share_right), sqrt(1 + self.seed_deviation**2)
        mean = reached = NORMAL.cdf(bound / deviation)
        for excess, score in PARTLY_RIGHT if self.metric == "f1" else ():
            below = NORMAL.cdf((bound + excess) / deviation)
            mean, reached = mean + score * (below - reached), below
        return mean

    def _bound(self, share: float) -> float:
        return NORMAL.inv_cdf(share) * sqrt(1 + self.seed_deviation**2)

    def _score(self, wrong: Scores) -> Scores:
        scores = (wrong < 0).astype(float)
        if self.metric == "f1":
            for excess, score in reversed(PARTLY_RIGHT):
                scores[(wrong >= 0) & (wrong < excess)] = score
        return scores


def contest_of(scores: Scores) -> Contest:
    n_points, n_seeds, _ = scores.shape
    noise = noise_of(list(scores))
    return hold_contest(scores.mean(1), [n_seeds] * n_points, noise, n_draws=N_DRAWS)


def p_values_of(scores: Scores) -> Scores:
    return contest_of(scores).p_values


def p_values_as_if_named(scores: Scores) -> Scores:
    """What is usual: the best one against each other, as if it had not been picked; Holm."""
    runs = scores.mean(1)
    lead = runs[runs.mean(1).argmax()] - runs
    errors = lead.std(axis=1) / sqrt(lead.shape[1])
    z_values = np.divide(lead.mean(1), errors, out=np.zeros(len(runs)), where=errors > 0)
    found = np.array([erfc(z / sqrt(2)) for z in z_values])
    order = np.argsort(found)
    factors = np.maximum(1, len(runs) - 1 - np.arange(len(runs)))
    found[order] = np.maximum.accumulate(np.minimum(1, found[order] * factors))
    return found


def share(cases: Iterable[bool]) -> str:
    """How many hold: `4.1 ± 0.6`, in percent, with the standard error."""
    held = list(cases)
    found = sum(held) / len(held)
    return f"{100 * found:.1f} ± {100 * sqrt(found * (1 - found) / len(held)):.1f}"


def false_leads(n_studies: int, drawing: np.random.Generator) -> Iterator[list[str]]:
    for metric, n_questions, n_points, shared in product(
        ("exact_match", "f1"), (400, 1_190), (2, 6, 20), (0.8, 0.97)
    ):
        study = Study(metric, n_questions, n_points, shared=shared)
        drawn = [study.draw(drawing) for _ in range(n_studies)]
        ours = [p_values_of(scores) < LEVEL for scores in drawn]
        usual = (bool((p_values_as_if_named(scores) < LEVEL).any()) for scores in drawn)
        yield [
            *(metric, str(n_questions), str(n_points), f"{shared:.2f}"),
            share(bool(behind.any()) for behind in ours),
            share(behind.sum() == n_points - 1 for behind in ours),
            share(usual),
        ]


def false_leads_of_points(n_studies: int, drawing: np.random.Generator) -> Iterator[list[str]]:
    for n_points, n_seeds, deviation in product((2, 6), (2, 3, 5), (0.0, 0.05, 0.1, 0.2)):
        study = Study("f1", 400, n_points, n_seeds, of_point=0.05, seed_deviation=deviation)
        drawn = [study.draw(drawing) for _ in range(n_studies)]
        ours = (bool((p_values_of(scores) < LEVEL).any()) for scores in drawn)
        single = (bool((p_values_of(scores[:, :1]) < LEVEL).any()) for scores in drawn)
        floor = [noise_of(list(scores)).deviation for scores in drawn]
        yield [
            *(str(n_points), str(n_seeds), f"{100 * np.sqrt(np.mean(np.square(floor))):.1f}"),
            share(ours),
            share(single),
        ]


def power(n_studies: int, drawing: np.random.Generator) -> Iterator[list[str]]:
    for metric, n_questions, gain in product(("exact_match", "f1"), (400, 1_190), (0.02, 0.04)):
        study = Study(metric, n_questions)
        one, other = Study(metric, 400_000).draw(drawing, gain).mean(1)
        lead, deviation = (one - other).mean(), (one - other).std()
        z = lead / (deviation / sqrt(n_questions))
        bound = NORMAL.inv_cdf(1 - LEVEL / 2)
        theory = NORMAL.cdf(z - bound) + NORMAL.cdf(-z - bound)
        drawn = (study.draw(drawing, gain) for _ in range(n_studies))
        seen = share(p_values_of(scores).min() < LEVEL for scores in drawn)
        yield [metric, str(n_questions), f"{100 * lead:.1f}", seen, f"{100 * theory:.1f}"]


def power_of_points(n_studies: int, drawing: np.random.Generator) -> Iterator[list[str]]:
    for n_points, n_seeds, gain in product((2, 6), (3, 5), (0.04, 0.08)):
        study = Study("f1", 400, n_points, n_seeds, of_point=0.05, seed_deviation=0.1)
        drawn = (study.draw(drawing, gain) for _ in range(n_studies))
        seen = share(_is_alone(p_values_of(scores)) for scores in drawn)
        yield [str(n_points), str(n_seeds), f"{100 * gain:.0f}", seen]


def _is_alone(found: Scores) -> bool:
    """Whether the first is said to be better than each other one."""
    return bool(found[0] == 1 and (found[1:] < LEVEL).all())


def coverage(n_studies: int, drawing: np.random.Generator) -> Iterator[list[str]]:
    for metric, n_questions, n_runs in product(("exact_match", "f1"), (400, 1_190), (1, 6, 20)):
        study = Study(metric, n_questions, n_runs)
        shown = "one run" if n_runs == 1 else f"{n_runs} runs"
        yield [metric, str(n_questions), shown, *_covered(n_studies, drawing, study)]
    for n_points, n_seeds in product((2, 6), (3, 5)):
        study = Study("f1", 400, n_points, n_seeds, of_point=0.05, seed_deviation=0.1)
        shown = f"{n_points} points of {n_seeds} seeds"
        yield ["f1", "400", shown, *_covered(n_studies, drawing, study)]


def _covered(n_studies: int, drawing: np.random.Generator, study: Study) -> tuple[str, str]:
    """How often the best one's interval holds its true mean: the verdict's, and the bootstrap's."""
    ours, usual = [], []
    for _ in range(n_studies):
        scores = study.draw(drawing)
        best = int(scores.mean((1, 2)).argmax())
        intervals = contest_of(scores).intervals[best], mean_interval(scores[best].mean(0))
        for found, interval in zip((ours, usual), intervals, strict=True):
            found.append(interval.low <= study.true_mean <= interval.high)
    return share(ours), share(usual)


PARTS: dict[str, tuple[str, list[str], Callable[..., Iterator[list[str]]]]] = {
    "leads": (
        "equally good runs, of which some are said to be worse, in % of studies (at most 5)",
        ["metric", "questions", "runs", "shared", "any", "all but one", "any, as if named"],
        false_leads,
    ),
    "points": (
        "the same of points with repeats, F1 of 400 questions (at most 5)",
        ["points", "seeds", "noise floor", "any", "any, by the first seed alone"],
        false_leads_of_points,
    ),
    "power": (
        "two runs of which one is better: seen, in % of studies",
        ["metric", "questions", "lead", "seen", "by theory"],
        power,
    ),
    "power_of_points": (
        "one point better than all others, which are equal; noise floor 2.5; in % of studies",
        ["points", "seeds", "lead in EM", "named alone"],
        power_of_points,
    ),
    "coverage": (
        "intervals of 95 % of the best one's mean, which hold the true one, in % of studies",
        ["metric", "questions", "best of", "the verdict's", "as if named, of questions alone"],
        coverage,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1_000, help="a line")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console = Console()
    for part in options.parts:
        title, columns, rows = PARTS[part]
        table = Table(*columns, title=title, title_justify="left", box=SIMPLE)
        for row in rows(options.studies, np.random.default_rng(options.seed)):
            table.add_row(*row)
        console.print(table)


if __name__ == "__main__":
    main()
