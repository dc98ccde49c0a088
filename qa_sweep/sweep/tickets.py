"""Tickets: which trials a study still needs, told from those that it has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep.repeats import index_of
from qa_sweep.sweep.space import Space

# Names of the attributes that the sweep itself keeps on its trials.
RETRIES = "retries"
RETRY_OF = "retry_of"
ERROR = "error"
INFEASIBLE = "infeasible"
# What a job may keep there to say how it ended.
OUTCOME, DIVERGED = "outcome", "diverged"
_OURS = {RETRIES, RETRY_OF, ERROR, INFEASIBLE}

UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)

Place = tuple[tuple[float | None, ...], int]  # a point's key, and which of its repeats


@dataclass(frozen=True)
class Ticket:
    """A trial to be added: its params, empty where the sampler shall choose, and which repeat."""

    params: Mapping[str, Any]
    index: int = 0


@dataclass(frozen=True)
class Tickets:
    """What a study shall try.

    `n_trials` is how many trials shall be finished in all, over all sweeps; None means each point
    of a finite space as often as it is repeated. The `enqueued` points come first; what one leaves
    out is drawn. Each point is run `n_repeats` times, but one that is infeasible once only.
    """

    space: Space
    n_trials: int | None
    enqueued: tuple[Mapping[str, Any], ...] = ()
    n_repeats: int = 1

    def missing(self, trials: Sequence[FrozenTrial]) -> Iterator[Ticket]:
        """The tickets still to be added; of a search with repeats, those that can be by now."""
        if self.n_trials is None:
            return self._missing_of_grid(trials)
        return islice(self._missing_of_search(trials), self._n_left(self.n_trials, trials))

    def n_missing(self, trials: Sequence[FrozenTrial]) -> int:
        """How many trials are still to be added, without listing them."""
        if self.n_trials is not None:
            return self._n_left(self.n_trials, trials)
        assert self.space.size is not None
        done = self._taken(trials) | self._spared(trials)
        return self.space.size * self.n_repeats - sum(index < self.n_repeats for _, index in done)

    def _missing_of_grid(self, trials: Sequence[FrozenTrial]) -> Iterator[Ticket]:
        """The first trials of all points, then the second ones, when it is known what fits."""
        done = self._taken(trials) | self._spared(trials)
        for index in range(self.n_repeats):
            n_done = len(done)
            for point in chain(self.enqueued, self.space.grid()):
                place = (self.space.key(point), index)
                if place not in done:
                    done.add(place)
                    yield Ticket(point, index)
            if len(done) > n_done:
                return

    def _missing_of_search(self, trials: Sequence[FrozenTrial]) -> Iterator[Ticket]:
        """The repeats of drawn points come first, then as many points as can be repeated.

        With repeats a point is added at a time, so that the sampler knows the repeats before it.
        """
        owed, n_owed_later = self._owed(trials)
        yield from owed
        assert self.n_trials is not None
        n_left = self._n_left(self.n_trials, trials) - len(owed) - n_owed_later
        n_points = n_left if self.n_repeats == 1 else min(n_left, 1)
        known = [given_params(trial) for trial in trials]
        first = (
            point
            for point in self.enqueued
            if not any(point.items() <= params.items() for params in known)
        )
        yield from map(Ticket, islice(chain(first, repeat({})), max(0, n_points)))

    def _owed(self, trials: Sequence[FrozenTrial]) -> tuple[list[Ticket], int]:
        """The repeats that drawn points lack, and how many those will that are not drawn yet."""
        owed: list[Ticket] = []
        n_later = 0
        if self.n_repeats == 1:
            return owed, n_later
        done = self._taken(trials) | self._spared(trials)
        for trial in trials:
            params = given_params(trial)
            if self.space.is_point(params):
                places = [(self.space.key(params), index) for index in range(1, self.n_repeats)]
                owed += [Ticket(params, place[1]) for place in places if place not in done]
                done.update(places)
            elif trial.state in UNFINISHED:
                n_later += self.n_repeats - 1
        return owed, n_later

    def _taken(self, trials: Sequence[FrozenTrial]) -> set[Place]:
        """What has its trial."""
        return {(self.space.key(given_params(trial)), index_of(trial)) for trial in trials}

    def _spared(self, trials: Sequence[FrozenTrial]) -> set[Place]:
        """What needs none: the repeats of an infeasible point."""
        infeasible = [trial for trial in trials if INFEASIBLE in trial.user_attrs]
        return {
            (self.space.key(given_params(trial)), index)
            for trial in infeasible
            for index in range(1, self.n_repeats)
        }

    def _n_left(self, n_trials: int, trials: Sequence[FrozenTrial]) -> int:
        if self.space.size is None:
            return max(0, n_trials - len(trials))
        spared = self._spared(trials)
        n_spared = len(spared - self._taken(trials)) if spared else 0
        # No point is run oftener than it is repeated.
        return max(0, min(n_trials, self.space.size * self.n_repeats - n_spared) - len(trials))


def given_params(trial: FrozenTrial) -> Mapping[str, Any]:
    """The trial's params, and those that its ticket was given.

    A worker draws them one by one, and may be killed between two.
    """
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def attributes_of_retry(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial that retries this one begins with: its name, and what its job has kept."""
    kept = {name: value for name, value in trial.user_attrs.items() if name not in _OURS}
    return {**kept, RETRY_OF: trial.number}


def without_retried(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials but those that were tried again as another trial."""
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    return [trial for trial in trials if trial.number not in retried]
