"""Verdict: which trials are best, and whether their lead is more than chance.

How it is reached, and what it cannot say, is told in docs/verdict.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import comb

import numpy as np

from qa_sweep.qa.intervals import Interval
from qa_sweep.report.answers import RunAnswers
from qa_sweep.report.contender import Contender, contenders, listed, trials
from qa_sweep.report.contest import hold_contest
from qa_sweep.report.noise import Noise, noise_of
from qa_sweep.report.significance import Difference, mcnemar

__all__ = ["Rival", "Verdict", "judge", "listed"]

LEVEL = 0.05  # a lead that chance gives less often than this is one

_TITLES = {"f1": "F1", "exact_match": "EM"}
_N_NAMED = 3  # tied points; of others it is said how many
_FEWEST_DEGREES, _FEW_DEGREES = 3, 6  # of freedom: to judge points at all, and to do it well


@dataclass(frozen=True, eq=False)
class Rival:
    """A contender beside the best one."""

    contender: Contender
    lead: Difference  # of the best one's over it; corrected for that one having been picked
    p_mcnemar: float  # of the first trial of each, corrected for all pairs
    is_tied: bool


@dataclass(frozen=True, eq=False)
class Verdict:
    """The best contender by a metric, and how the others stand to it, best first."""

    metric: str  # f1 or exact_match
    contender: Contender
    interval: Interval
    rivals: tuple[Rival, ...]
    noise: Noise | None  # None where seeds were not repeated; unused where there is too little

    @property
    def tied(self) -> list[int]:
        """The trials that may be best, as far as these questions and seeds tell."""
        return list(chain.from_iterable(contender.numbers for contender in self._tied))

    @property
    def _tied(self) -> list[Contender]:
        return [self.contender, *(rival.contender for rival in self.rivals if rival.is_tied)]

    def lines(self) -> list[str]:
        """The sentence, and what is to be known of it."""
        return [self.sentence(), self.note()]

    def sentence(self) -> str:
        """`Trials 3, 5 and 0 are tied for best (F1 84.1 ± 0.5); 5 costs least.`"""
        return self._sentence_on_points() if self._is_on_points else self._sentence_on_trials()

    def note(self) -> str:
        """How much of a score is the seed's doing."""
        if self.noise is None:
            return (
                "Seeds were not repeated: how much a score changes with the seed is not known; "
                "hydra.sweeper.repeats=3 tells."
            )
        n_degrees = self.noise.degrees_of_freedom
        if not self._is_on_points:
            return (
                f"Seeds were repeated too few times to judge points (degrees of freedom: "
                f"{n_degrees}, but {_FEWEST_DEGREES} are needed): trials were compared."
            )
        text = (
            f"From seed to seed {_TITLES[self.metric]} varies by {100 * self.noise.deviation:.1f} "
            f"(standard deviation within points, {n_degrees} degrees of freedom)"
        )
        is_few = n_degrees < _FEW_DEGREES
        return f"{text}; so few seeds show large leads alone." if is_few else f"{text}."

    @property
    def _is_on_points(self) -> bool:
        everyone = [self.contender, *(rival.contender for rival in self.rivals)]
        return any(len(contender.runs) > 1 for contender in everyone)

    def _sentence_on_trials(self) -> str:
        tied, score = self._tied, f"({self._score()})"
        if len(tied) > 1:
            cheapest = min(tied, key=lambda contender: contender.seconds).numbers[0]
            return f"Trials {listed(self.tied)} are tied for best {score}; {cheapest} costs least."
        if not self.rivals:
            return f"Trial {tied[0].numbers[0]} is the only complete one {score}."
        return f"Trial {tied[0].numbers[0]} is best {score}: {self._lead('')}"

    def _sentence_on_points(self) -> str:
        tied, n_seeds = self._tied, len(self.contender.runs)
        score = f"({self._score()} over {n_seeds} seed{'s' if n_seeds > 1 else ''})"
        names = listed([*map(_name, tied[:_N_NAMED]), *_more(len(tied) - _N_NAMED)])
        if len(tied) > 1:
            cheapest = min(tied, key=lambda contender: contender.seconds).numbers
            cost = "cost" if len(cheapest) > 1 else "costs"
            return f"Tied for best {score} are {names}; {trials(cheapest)} {cost} least."
        if not self.rivals:
            return f"The only complete point is {names} {score}."
        return f"Best is {names} {score}: {self._lead(' points')}"

    def _score(self) -> str:
        mean, margin = 100 * self.interval.mean, 100 * self.interval.margin
        return f"{_TITLES[self.metric]} {mean:.1f} ± {margin:.1f}"

    def _lead(self, noun: str) -> str:
        n_others = len(self.rivals)
        others = "the other" if n_others == 1 else f"each of the other {n_others}{noun}"
        return f"its lead over {others} is more than chance."


def judge(runs: Sequence[RunAnswers], metric: str) -> Verdict:
    """Compare the best with all others: points where some have several runs, else runs.

    All must have answered the same questions.
    """
    points = contenders(runs)
    noise = noise_of([point.all_scores(metric) for point in points])
    if noise is not None and noise.degrees_of_freedom < _FEWEST_DEGREES and len(points) > 1:
        return replace(_judge([Contender((run,)) for run in runs], metric, None), noise=noise)
    return _judge(points, metric, noise)


def _judge(points: Sequence[Contender], metric: str, noise: Noise | None) -> Verdict:
    ranked = sorted(points, key=lambda point: -point.scores(metric).mean())
    scores = np.stack([each.scores(metric) for each in ranked])
    contest = hold_contest(scores, [len(each.runs) for each in ranked], noise)
    leads = map(Difference, contest.leads, contest.p_values.tolist())
    best, *others = ranked
    rivals = [
        _compare(best, other, lead, comb(len(ranked), 2))
        for other, lead in zip(others, list(leads)[1:], strict=True)
    ]
    return Verdict(metric, best, contest.intervals[0], tuple(rivals), noise)


def _compare(best: Contender, other: Contender, lead: Difference, n_pairs: int) -> Rival:
    """`n_pairs` is how many pairs the two could have been."""
    exact = mcnemar(best.runs[0].scores["exact_match"], other.runs[0].scores["exact_match"])
    return Rival(
        other,
        lead,
        p_mcnemar=min(1.0, n_pairs * exact),
        is_tied=lead.p_value >= LEVEL,
    )


def _name(contender: Contender) -> str:
    """`batch size 16, learning rate 0.004 (trials 0, 6 and 12)`"""
    numbers = trials(contender.numbers)
    return f"{contender.params} ({numbers})" if contender.params else numbers


def _more(n_points: int) -> list[str]:
    return [f"{n_points} more"] if n_points > 0 else []
