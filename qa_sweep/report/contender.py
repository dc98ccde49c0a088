"""Contender: what a verdict is about: the runs of one point, which differ in their seed alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qa_sweep.report.answers import RunAnswers
from qa_sweep.report.noise import Scores
from qa_sweep.sweep.summary import format_value, short_name


@dataclass(frozen=True, eq=False)
class Contender:
    """The runs of a point, in the order of their trials; one where seeds were not repeated."""

    runs: tuple[RunAnswers, ...]

    @property
    def numbers(self) -> list[int]:
        """Of its trials."""
        return [run.number for run in self.runs]

    @property
    def seconds(self) -> float:
        """What one of its runs costs."""
        return float(np.mean([run.seconds for run in self.runs]))

    def all_scores(self, metric: str) -> Scores:
        """(n_runs, n_questions)"""
        return np.stack([run.scores[metric] for run in self.runs])

    def scores(self, metric: str) -> Scores:
        """Of each question the mean over its runs: (n_questions,)."""
        means: Scores = self.all_scores(metric).mean(axis=0)
        return means

    @property
    def params(self) -> str:
        """`batch size 16, learning rate 0.004`; empty where the trials have none."""
        params = self.runs[0].params or {}
        return ", ".join(
            f"{short_name(name, list(params)).replace('_', ' ')} {format_value(value)}"
            for name, value in params.items()
        )


def contenders(runs: Sequence[RunAnswers]) -> list[Contender]:
    """The runs by their params; those whose params are not known stand alone."""
    groups: dict[object, list[RunAnswers]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.number):
        params = run.params
        key = run.number if params is None else frozenset((k, repr(v)) for k, v in params.items())
        groups[key].append(run)
    return [Contender(tuple(group)) for group in groups.values()]


def trials(numbers: Iterable[int]) -> str:
    """`trial 3`, or `trials 3, 5 and 0`"""
    texts = list(map(str, numbers))
    return f"trials {listed(texts)}" if len(texts) > 1 else f"trial {texts[0]}"


def listed(items: Sequence[object]) -> str:
    """`3, 5 and 0`"""
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last
