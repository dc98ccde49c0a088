"""Flips: the questions that one trial gets right and another wrong."""

from dataclasses import dataclass

import numpy as np

from qa_sweep.report.predicted import Predicted
from qa_sweep.report.significance import mcnemar
from qa_sweep.report.wrong_answer import WrongAnswer

STRONG_F1 = 0.5  # a difference of two answers' F1 that is worth a word though both are wrong


@dataclass(frozen=True)
class Flip:
    """A question that one trial gets right, and the other's answer to it."""

    right: str  # the one's answer
    wrong: WrongAnswer


@dataclass(frozen=True)
class OneWay:
    """The questions that one of two trials alone gets right."""

    right: int  # trials
    wrong: int
    count: int
    shown: tuple[Flip, ...]  # those of which the other trial is surest
    n_better: int  # questions that both get wrong, but `right` with a far higher F1

    @property
    def n_more(self) -> int:
        return self.count - len(self.shown)

    def title(self) -> str:
        surest = ", the surest wrong answers first" if self.count > 1 else ""
        return (
            f"Trial {self.right} right, trial {self.wrong} wrong: {questions(self.count)}{surest}"
        )


@dataclass(frozen=True)
class Flips:
    """Between two trials, in both directions."""

    ways: tuple[OneWay, OneWay]
    p_value: float  # of McNemar's exact test

    def sentences(self) -> list[str]:
        """How many there are, and how the answers compare that are wrong in both."""
        one, other = self.ways
        lines = [
            f"Trial {one.right} alone gets {questions(one.count)} right, trial {other.right} alone "
            f"{other.count} (McNemar's exact p = {self.p_value:.2g})."
        ]
        if one.n_better or other.n_better:
            lines.append(
                f"Of those that both get wrong, trial {one.right} answers {one.n_better} far "
                f"better (F1 higher by at least {STRONG_F1}), and trial {other.right} "
                f"{other.n_better}."
            )
        return lines


def find_flips(one: Predicted, other: Predicted, n_shown: int) -> Flips:
    """Between two runs that answered the same questions; at most `n_shown` in each direction."""
    return Flips(
        (_one_way(one, other, n_shown), _one_way(other, one, n_shown)),
        mcnemar(one.exact_match, other.exact_match),
    )


def questions(count: int) -> str:
    return f"{count} question{'' if count == 1 else 's'}"


def _one_way(right: Predicted, wrong: Predicted, n_shown: int) -> OneWay:
    flipped = np.flatnonzero((right.exact_match == 1) & (wrong.exact_match != 1))
    by_confidence = np.argsort(-wrong.probability[flipped], kind="stable")  # nan comes last
    surest = flipped[by_confidence[:n_shown]]
    both_wrong = (right.exact_match != 1) & (wrong.exact_match != 1)
    is_better = right.f1 - wrong.f1 >= STRONG_F1
    return OneWay(
        right.number,
        wrong.number,
        len(flipped),
        tuple(Flip(right.answers[i], WrongAnswer.of(wrong, i)) for i in surest.tolist()),
        int(np.count_nonzero(both_wrong & is_better)),
    )
