"""Verdict: which trials are best, and whether their lead is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from qa_sweep.report.answers import RunAnswers
from qa_sweep.report.significance import (
    Difference,
    Interval,
    holm,
    mcnemar,
    mean_interval,
    paired_bootstrap,
)

LEVEL = 0.05  # a lead that chance gives less often than this is one

_TITLES = {"f1": "F1", "exact_match": "EM"}


@dataclass(frozen=True)
class Rival:
    """A trial beside the best one; p-values are corrected for the number of rivals."""

    number: int
    lead: Difference  # of the best trial's over its F1 or exact match
    p_bootstrap: float
    p_mcnemar: float
    is_tied: bool


@dataclass(frozen=True)
class Verdict:
    """The best trial by a metric, and how the others stand to it, best first."""

    metric: str  # f1 or exact_match
    best: int
    interval: Interval
    rivals: tuple[Rival, ...]
    seconds: dict[int, float]  # that each trial has taken

    @property
    def tied(self) -> list[int]:
        """The trials that may be the best one, as far as these questions tell."""
        return [self.best, *(rival.number for rival in self.rivals if rival.is_tied)]

    def sentence(self) -> str:
        """`Trials 3, 5 and 0 are tied for best (F1 84.1 ± 0.5); 5 costs least.`"""
        mean, margin = 100 * self.interval.mean, 100 * self.interval.margin
        score = f"({_TITLES[self.metric]} {mean:.1f} ± {margin:.1f})"
        tied = self.tied
        if len(tied) > 1:
            cheapest = min(tied, key=self.seconds.__getitem__)
            return f"Trials {listed(tied)} are tied for best {score}; {cheapest} costs least."
        if not self.rivals:
            return f"Trial {self.best} is the only complete one {score}."
        others = "the other" if len(self.rivals) == 1 else f"each of the other {len(self.rivals)}"
        return f"Trial {self.best} is best {score}: its lead over {others} is more than chance."


def judge(runs: Sequence[RunAnswers], metric: str) -> Verdict:
    """Compare the best of the `runs` with each other one.

    All must have answered the same questions. What is tied is told by the bootstrap where `metric`
    is f1, and by McNemar's test where it is exact_match.
    """
    best, *others = sorted(runs, key=lambda run: -run.scores[metric].mean())
    leads = [paired_bootstrap(best.scores[metric], other.scores[metric]) for other in others]
    p_bootstrap = holm([lead.p_value for lead in leads])
    p_mcnemar = holm(
        [mcnemar(best.scores["exact_match"], other.scores["exact_match"]) for other in others]
    )
    deciding = p_mcnemar if metric == "exact_match" else p_bootstrap
    return Verdict(
        metric,
        best.number,
        mean_interval(best.scores[metric]),
        tuple(
            Rival(other.number, lead, bootstrap, exact, is_tied=p >= LEVEL)
            for other, lead, bootstrap, exact, p in zip(
                others, leads, p_bootstrap, p_mcnemar, deciding, strict=True
            )
        ),
        {run.number: run.seconds for run in runs},
    )


def listed(numbers: Sequence[int]) -> str:
    """`3, 5 and 0`"""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last
