"""Limits: why a study takes no more trials although some are left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.tickets import ERROR, INFEASIBLE

CONTINUE, STOP = "continue", "stop"

_N_ALIKE = 3  # failures at the start of a sweep that are no accident if they are all alike


@dataclass(frozen=True)
class Halt:
    """Why no more trials are taken; `is_failure` where the user has something to mend."""

    reason: str
    is_failure: bool


@dataclass(frozen=True)
class Limits:
    """When to stop early.

    `patience` is how many finished trials in a row may bring no progress; None for any number.
    """

    patience: int | None = None
    on_failure: str = CONTINUE

    def __post_init__(self) -> None:
        if self.on_failure not in (CONTINUE, STOP):
            raise ConfigError(
                f"hydra.sweeper.on_failure must be continue or stop, but got {self.on_failure!r}"
            )

    def halt(
        self, trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
    ) -> Halt | None:
        """Why the study shall take no more than these `trials`; None where it shall."""
        finished = [trial for trial in trials if trial.state.is_finished()]
        failed = [trial for trial in finished if _has_failed(trial)]
        if failed and self.on_failure == STOP:
            error = failed[0].user_attrs.get(ERROR)
            return Halt(f"trial {failed[0].number} failed ({error})", is_failure=True)
        if _all_alike(failed) and len(failed) == len(finished):
            error = failed[0].user_attrs.get(ERROR)
            return Halt(f"the first {len(failed)} trials all failed alike ({error})", True)
        if self.patience is not None and _has_stalled(finished, directions, self.patience):
            return Halt(f"no better trial in the last {self.patience}", is_failure=False)
        return None


def _has_failed(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.FAIL and INFEASIBLE not in trial.user_attrs


def _all_alike(failed: Sequence[FrozenTrial]) -> bool:
    """Whether there are several, and their errors differ in nothing but numbers."""
    errors = {
        re.sub(r"\d+(\.\d+)?(e-?\d+)?", "#", str(trial.user_attrs.get(ERROR))) for trial in failed
    }
    return len(failed) >= _N_ALIKE and len(errors) == 1


def _has_stalled(
    finished: Sequence[FrozenTrial], directions: Sequence[StudyDirection], patience: int
) -> bool:
    """Whether none of the last `patience` trials to finish is better than all before it.

    With several objectives better means: no trial before is at least as good in all of them.
    """
    if len(finished) < patience:
        return False
    in_order = sorted(finished, key=lambda trial: (str(trial.datetime_complete), trial.number))
    signs = [-1.0 if direction is StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    nothing = [np.nan] * len(signs)  # which is neither better nor worse
    values = np.array([t.values if _is_complete(t) else nothing for t in in_order]) * signs
    return not any(
        _is_complete(in_order[place]) and not (values[:place] <= values[place]).all(axis=1).any()
        for place in range(len(in_order) - patience, len(in_order))
    )


def _is_complete(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.COMPLETE
