"""Contest: who may be the best, when the best is picked by the answers that it is judged by.

The best of many owes a part of its score, and of its lead, to having been picked. So a lead is held
against the largest one that chance gives any two of them, not against what it gives these two; and
an interval is as wide as is needed for all of them to hold at once.

Shapes: `scores` (n_contenders, n_questions), of each contender the mean over its runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.intervals import CONFIDENCE, Interval
from qa_sweep.report.noise import Noise

Floats = NDArray[np.float64]

N_DRAWS = 4_000
_N_AT_ONCE = 500  # draws that are held in memory
_EQUAL = 1e-9  # what rounding makes of equal numbers


@dataclass(frozen=True, eq=False)
class Contest:
    """What came of it, by contender.

    `p_values` tell how likely chance puts it as far behind the best as it is; 1 for the best.
    `intervals` are those of the mean scores, `leads` those of the best one's lead; in 95 % of
    studies all of them hold at once, and so that of a picked one does.
    """

    p_values: Floats
    intervals: tuple[Interval, ...]
    leads: tuple[Interval, ...]


def hold_contest(
    scores: Floats,
    n_runs: Sequence[int],
    noise: Noise | None = None,
    seed: int = 0,
    n_draws: int = N_DRAWS,
) -> Contest:
    """Compare contenders that answered the same questions.

    A draw of chance exchanges, for each question by a coin, who gave which answer. For two runs
    this is the exact randomization test (Fisher, 1935; Yeh, 2000), which is McNemar's where answers
    are right or wrong. With `noise`, a draw has other seeds too. The largest statistic of any pair
    counts, and those further behind are put aside before the next is judged (Westfall & Young,
    1993). Those with a p-value of at least 5 % are a model confidence set (Hansen, Lunde & Nason,
    2011): in 95 % of studies it holds all that are truly best.
    """
    spread = _Spread.of(scores, n_runs, noise)
    means = scores.mean(axis=1)
    best = int(means.argmax())
    behind = np.abs(means - means[best]) / spread.errors_of_pairs[best]
    behind[best] = -1.0
    order = np.argsort(behind, kind="stable")
    errors = spread.errors_of_pairs[np.ix_(order, order)]
    counts = np.zeros(len(scores), dtype=int)
    leads, deviations = [], []  # in each draw the largest of any pair, and of any mean
    for drawn in _draws(scores, spread, np.random.default_rng(seed), n_draws):
        largest = _largest_leads(drawn.exchanged.T[order], errors) * drawn.factors
        counts[order] += np.count_nonzero(largest >= behind[order][:, None] - _EQUAL, axis=1)
        leads.append(largest[-1])
        off = np.abs(drawn.deviations) / _errors(spread.of_means)
        deviations.append(off.max(axis=1) * drawn.factors)
    return Contest(
        _stepwise((counts + 1) / (n_draws + 1), order),
        _intervals(means, spread.of_means, np.concatenate(deviations)),
        _intervals(means[best] - means, spread.of_leads_over(scores, best), np.concatenate(leads)),
    )


@dataclass(frozen=True, eq=False)
class _Spread:
    """Variances of means, as questions and seeds are drawn."""

    of_pairs: Floats  # (n_contenders, n_contenders): of a difference; of questions alone
    of_questions: Floats  # (n_contenders,): of a mean
    of_seeds: Floats  # (n_contenders,): of a mean
    n_degrees: int  # of freedom, of the latter; 0 without repeats

    @staticmethod
    def of(scores: Floats, n_runs: Sequence[int], noise: Noise | None) -> "_Spread":
        """That of pairs is around nothing, as a randomization test has it."""
        n_questions = scores.shape[1]
        products = scores @ scores.T
        squares = np.diag(products)
        differences = np.maximum(0.0, squares[:, None] + squares - 2 * products)
        of_seeds = (noise.variance_of_seeds if noise else 0.0) / np.asarray(n_runs, dtype=float)
        return _Spread(
            differences / n_questions**2,
            scores.var(axis=1) / n_questions,
            of_seeds,
            noise.degrees_of_freedom if noise else 0,
        )

    @property
    def of_means(self) -> Floats:
        return self.of_questions + self.of_seeds

    def of_leads_over(self, scores: Floats, best: int) -> Floats:
        """Of the difference between the best mean and each: (n_contenders,)."""
        of_questions: Floats = (scores[best] - scores).var(axis=1) / scores.shape[1]
        return of_questions + self.of_seeds + self.of_seeds[best]

    @cached_property
    def errors_of_pairs(self) -> Floats:
        """Standard errors of differences: (n_contenders, n_contenders)."""
        return _errors(self.of_pairs + self.of_seeds[:, None] + self.of_seeds)


@dataclass(frozen=True, eq=False)
class _Draws:
    """What chance alone makes of the means: each (n_draws, n_contenders).

    `factors` (n_draws,) are what makes a normal variate one of Student's: few seeds tell little of
    their variance. They are applied to the questions' part too, which errs towards calling a tie.
    """

    exchanged: Floats  # where all are equally good
    deviations: Floats  # from what is true
    factors: Floats


def _draws(
    scores: Floats, spread: _Spread, drawing: np.random.Generator, n_draws: int
) -> Iterator[_Draws]:
    n_questions = scores.shape[1]
    for start in range(0, n_draws, _N_AT_ONCE):
        n_some = min(_N_AT_ONCE, n_draws - start)
        coins = 2.0 * drawing.integers(0, 2, (n_some, n_questions), dtype=np.int8) - 1
        exchanged = coins @ scores.T / n_questions
        deviations = exchanged - coins.mean(axis=1)[:, None] * scores.mean(axis=1)
        factors = np.ones(n_some)
        if spread.n_degrees:
            of_seeds = drawing.normal(size=exchanged.shape) * np.sqrt(spread.of_seeds)
            exchanged, deviations = exchanged + of_seeds, deviations + of_seeds
            factors = np.sqrt(spread.n_degrees / drawing.chisquare(spread.n_degrees, n_some))
        yield _Draws(exchanged, deviations, factors)


def _largest_leads(means: Floats, errors: Floats) -> Floats:
    """In each draw the largest lead between any two of the first so many contenders.

    In standard errors, which are `errors` (n_contenders, n_contenders). `means` and what is
    returned: (n_contenders, n_draws).
    """
    largest = np.zeros_like(means)
    for place in range(1, len(means)):
        leads = np.abs(means[:place] - means[place])
        leads /= errors[place, :place, None]
        largest[place] = leads.max(axis=0)
    return np.maximum.accumulate(largest, axis=0)


def _stepwise(p_values: Floats, order: NDArray[np.intp]) -> Floats:
    """None is smaller than that of one further behind; `order` has the best first, and its is 1."""
    p_values[order[0]] = 1.0
    p_values[order] = np.maximum.accumulate(p_values[order][::-1])[::-1]
    return p_values


def _intervals(means: Floats, variances: Floats, largest: Floats) -> tuple[Interval, ...]:
    """As many standard errors around each mean as hold all of them at once."""
    margins = np.quantile(largest, CONFIDENCE) * np.sqrt(variances)
    ends = (means - margins).tolist(), (means + margins).tolist()
    return tuple(map(Interval, means.tolist(), *ends))


def _errors(variances: Floats) -> Floats:
    """Standard errors; infinite where nothing tells two apart, so that no lead is one."""
    return np.where(variances > _EQUAL**2, np.sqrt(variances), np.inf)
