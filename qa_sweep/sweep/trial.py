"""The job's view of the trial it works on.

    from qa_sweep.sweep import trial

    handle = trial.current()
    handle.progress(step, n_steps, loss=0.5)
    handle.report(0.8, step)
    if handle.should_prune():
        raise trial.Pruned
    handle.sign_of_life()

Progress and reports are signs of life, too; a job that gives no more of them is ended, and its
trial tried again. A job that can go on from a saved state may save it when SIGTERM has come:

    handle.saves_state = True
    if handle.should_save():
        save()
        handle.saved()

Outside a sweep the same calls work and change nothing, so that a job needs no special case.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qa_sweep.sweep.repeats import repeat_settings

if TYPE_CHECKING:
    import optuna

    from qa_sweep.sweep.pruning import Pruning


class Pruned(Exception):
    """Raised by a job to end its trial early as pruned."""


class Infeasible(Exception):
    """Raised by a job whose params cannot be run here, as for lack of memory.

    It is not tried again.
    """


@dataclass(frozen=True)
class Progress:
    """How far a job has come: `step` of `n_steps`, and what it wants shown beside that."""

    step: int = 0
    n_steps: int = 0
    shown: Mapping[str, float | str] = field(default_factory=dict)

    @staticmethod
    def of(content: Mapping[str, Any]) -> "Progress":
        """From the mapping that `asdict` makes of one; nothing done where it is empty."""
        return Progress(**content)

    @property
    def share(self) -> float:
        """Done share, 0 to 1."""
        return min(self.step / self.n_steps, 1.0) if self.n_steps else 0.0


@dataclass(frozen=True)
class RunningTrial:
    """A trial at work; `number` is None for a job outside a sweep.

    `last_value` is the last intermediate value that was reported.
    """

    number: int | None
    params: Mapping[str, Any]
    progress: Progress
    worker: str = ""
    last_value: float | None = None


class TrialHandle:
    """A job outside a sweep: keeps its progress, and is never pruned.

    While a job sets `saves_state`, SIGTERM waits until it says that it has `saved`, for some
    seconds; else it interrupts the job wherever it is.
    """

    number: int | None = None
    study_name: str | None = None
    saves_state = False

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.latest = Progress()
        self._params = params or {}
        self._attributes: dict[str, Any] = {}

    def running(self) -> RunningTrial:
        """The trial as it is now, to be shown."""
        return RunningTrial(self.number, self._params, self.latest)

    def progress(self, step: int, n_steps: int, **shown: float | str) -> None:
        """Say how far the job has come; cheap enough for each step."""
        self.latest = Progress(step, n_steps, {**self.latest.shown, **shown})

    def report(self, value: float | Mapping[str, float], step: int) -> None:
        """Report the objective's intermediate value at `step`, or metrics that hold it."""

    def should_prune(self) -> bool:
        return False

    def sign_of_life(self) -> None:
        """Say that the job lives where it makes no steps; cheap enough for each batch."""

    def should_save(self) -> bool:
        """Whether the job is to save its state now, as it is to end."""
        return False

    def saved(self) -> None:
        """The state is saved: end the job if it is to end."""

    def set_attribute(self, name: str, value: Any) -> None:
        """Keep a JSON value with the trial, for whoever continues it."""
        self._attributes[name] = value

    def attribute(self, name: str) -> Any:
        """What this or an earlier attempt at the trial kept under `name`; None if nothing."""
        return self._attributes.get(name)


class StudyTrialHandle(TrialHandle):
    """A job inside a sweep: what it says goes to the study's storage.

    `heed` is called at each sign of life: it raises where the job must end, which the job may have
    missed. While the storage is used, `holding` keeps the job from being ended. `is_stopping` tells
    whether it is to end, and may save its state before.
    """

    def __init__(
        self,
        trial: "optuna.Trial",
        pruning: "Pruning",
        heed: Callable[[], None] = lambda: None,
        holding: Callable[[], AbstractContextManager[None]] = nullcontext,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__({**trial.params, **repeat_settings(trial)})
        self._trial = trial
        self._pruning = pruning
        self._heed = heed
        self._holding = holding
        self._is_stopping = is_stopping
        self._attributes = dict(trial.user_attrs)
        self.number = trial.number
        self.study_name = trial.study.study_name

    def progress(self, step: int, n_steps: int, **shown: float | str) -> None:
        self._heed()
        super().progress(step, n_steps, **shown)

    def report(self, value: float | Mapping[str, float], step: int) -> None:
        self._heed()
        with self._holding():
            self._pruning.report(self._trial, value, step)

    def should_prune(self) -> bool:
        with self._holding():
            return self._pruning.should_prune(self._trial)

    def sign_of_life(self) -> None:
        self._heed()

    def should_save(self) -> bool:
        return self.saves_state and self._is_stopping()

    def saved(self) -> None:
        self.saves_state = False
        self._heed()

    def set_attribute(self, name: str, value: Any) -> None:
        super().set_attribute(name, value)
        with self._holding():
            self._trial.set_user_attr(name, value)


# A global of the process, not a context variable: those are invisible in a job's own threads.
_current: TrialHandle = TrialHandle()


def current() -> TrialHandle:
    """The trial that this process works on, or a handle that does nothing."""
    return _current


@contextmanager
def working_on(handle: TrialHandle) -> Iterator[TrialHandle]:
    """Make `handle` the current trial while the body runs."""
    global _current
    before, _current = _current, handle
    try:
        yield handle
    finally:
        _current = before
