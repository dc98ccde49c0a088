"""Decisions: how an answer, or none, is chosen from the n-best of an example.

Shapes
    n_examples    examples
    n_best        most candidates of an example
    n_candidates  candidates of all examples together
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.candidates import Candidates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The margin of an example without candidate: no threshold reaches it, yet sums stay finite.
FAR = 1e30


@dataclass(frozen=True)
class Decision:
    """What is chosen after training, without another forward pass."""

    max_answer_length: int  # tokens; of the candidates the best of those that are no longer counts
    threshold: float | None = None  # of the margin, above which there is no answer; null: never
    temperature: float = 1.0  # scores are divided by it to give probabilities

    def choose(self, candidates: Candidates) -> Ints:
        """Return the candidate that answers each example, -1 for no answer, (n_examples,)."""
        which = best_within(candidates, self.max_answer_length)
        if self.threshold is None:
            return which
        return np.where(margins(candidates, which) > self.threshold, -1, which)

    def probabilities(self, candidates: Candidates) -> tuple[Floats, Floats]:
        """Return those of the candidates (n_candidates,) and of no answer (n_examples,).

        The likeliest outcome of an example is the one that `choose` takes; candidates that are too
        long have none.
        """
        weights = np.exp(-self.deficits(candidates) / self.temperature)
        weights /= weights.sum(axis=1, keepdims=True)
        is_there = candidates.padded(np.ones(len(candidates.score), bool), False)
        return weights[:, :-1][is_there], weights[:, -1]

    def deficits(self, candidates: Candidates) -> Floats:
        """Return how far each outcome lies below the best one, (n_examples, n_best + 1).

        The last is "no answer". inf where there is no candidate, or one that is too long.
        """
        n_tokens = candidates.padded(candidates.n_tokens, 0)
        fits = n_tokens <= self.max_answer_length
        fits |= ~(fits & (n_tokens > 0)).any(axis=1, keepdims=True)
        outcomes = np.full((len(candidates), n_tokens.shape[1] + 1), -np.inf)
        outcomes[:, :-1] = np.where(fits, candidates.padded(candidates.score, -np.inf), -np.inf)
        if self.threshold is not None:
            outcomes[:, -1] = np.minimum(candidates.null_score, FAR) - self.threshold
        outcomes[np.diff(candidates.row_starts) == 0, -1] = 0.0  # nothing else can be said
        return outcomes.max(axis=1, keepdims=True) - outcomes

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def best_within(candidates: Candidates, max_answer_length: int) -> Ints:
    """Return the best candidate of each example that is not too long, (n_examples,).

    The best of all where all that were kept are too long; -1 where there is none.
    """
    fits = candidates.padded(candidates.n_tokens, max_answer_length + 1) <= max_answer_length
    first = candidates.row_starts[:-1] + np.argmax(fits, axis=1)  # 0 where nothing fits
    return np.where(np.diff(candidates.row_starts) > 0, first, -1)


def margins(candidates: Candidates, which: Ints) -> Floats:
    """Return by how much "no answer" beats the candidates `which`, both (n_examples,)."""
    if not len(candidates.score):
        return np.full(len(which), FAR)
    return np.where(which >= 0, candidates.null_score - candidates.score[which], FAR)
