"""Tickets: which trials a study still needs, told from those that it has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep.space import Space

# Names of the attributes that the sweep itself keeps on its trials.
RETRIES = "retries"
RETRY_OF = "retry_of"
ERROR = "error"
INFEASIBLE = "infeasible"
_OURS = {RETRIES, RETRY_OF, ERROR, INFEASIBLE}

UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)


@dataclass(frozen=True)
class Tickets:
    """What a study shall try.

    `n_trials` is how many trials shall be finished in all, over all sweeps; None means each point
    of a finite space once. The `enqueued` points come first; what one leaves out is drawn.
    """

    space: Space
    n_trials: int | None
    enqueued: tuple[Mapping[str, Any], ...] = ()

    def missing(self, trials: Sequence[FrozenTrial]) -> Iterator[dict[str, Any]]:
        """Params of the tickets still to be added; empty where the sampler shall choose."""
        known = [given_params(trial) for trial in trials]
        first = [
            dict(point)
            for point in self.enqueued
            if not any(point.items() <= params.items() for params in known)
        ]
        if self.n_trials is not None:
            return islice(chain(first, repeat({})), self._n_left(self.n_trials, trials))
        present = {self.space.key(values) for values in (*known, *first)}
        rest = (values for values in self.space.grid() if self.space.key(values) not in present)
        return chain(first, rest)

    def n_missing(self, trials: Sequence[FrozenTrial]) -> int:
        """How many `missing` there are, without listing them."""
        if self.n_trials is not None:
            return self._n_left(self.n_trials, trials)
        assert self.space.size is not None
        return self.space.size - len({self.space.key(given_params(trial)) for trial in trials})

    def _n_left(self, n_trials: int, trials: Sequence[FrozenTrial]) -> int:
        size = self.space.size
        wanted = n_trials if size is None else min(n_trials, size)  # no point is run twice
        return max(0, wanted - len(trials))


def given_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """The trial's params, or those that its ticket was given."""
    return trial.params or trial.system_attrs.get("fixed_params", {})


def attributes_of_retry(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial that retries this one begins with: its name, and what its job has kept."""
    kept = {name: value for name, value in trial.user_attrs.items() if name not in _OURS}
    return {**kept, RETRY_OF: trial.number}


def without_retried(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials but those that were tried again as another trial."""
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    return [trial for trial in trials if trial.number not in retried]
