"""Settings of a sweep, read and checked; the plugin describes each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.limits import Limits
from qa_sweep.sweep.pruners import choose_objective, make_pruner
from qa_sweep.sweep.repeats import Repeats
from qa_sweep.sweep.samplers import GRID, choose_sampler
from qa_sweep.sweep.slots import count_workers
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.spelling import plain_name
from qa_sweep.sweep.study import StudyPlan


@dataclass(frozen=True)
class SweepSettings:
    """The plugin's settings by their names there."""

    params: Mapping[str, Any]
    conditions: Mapping[str, str]
    enqueue: Sequence[Mapping[str, Any]]
    sampler: str
    pruner: str
    pruner_settings: Mapping[str, Any]
    pruner_objective: str | None
    repeats: int
    repeat_setting: str
    n_trials: int | None
    timeout: float | None
    patience: int | None
    on_failure: str
    objective: Any
    direction: Any
    study_name: str | None
    study_prefix: str
    storage: str | None = field(repr=False)  # may hold a password
    n_workers: int | str
    workers_per_gpu: int
    isolate: bool
    share_imports: bool
    seed: int
    max_retries: int
    ignored_settings: Sequence[str]
    dry_run: bool
    hang_minutes: float | None = 30.0

    def __post_init__(self) -> None:
        """Raises ConfigError for what no space could make right."""
        for name in ("n_trials", "timeout", "patience", "hang_minutes"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(
                    f"hydra.sweeper.{name} must be above 0, but got {value}; "
                    f"pass hydra.sweeper.{name}=…, or null for no such limit"
                )
        if self.repeats < 1:
            raise ConfigError(
                f"hydra.sweeper.repeats must be at least 1, but got {self.repeats}; "
                "pass hydra.sweeper.repeats=3, or leave it out"
            )
        make_pruner(self.pruner, self.pruner_settings)
        choose_objective(self.pruner_objective, self.objectives)
        _ = self.limits, self.worker_count

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Raises ConfigError for a direction without an objective, or the other way round."""
        names, directions = _as_list(self.objective), _as_list(self.direction)
        if not names or len(names) != len(directions):
            raise ConfigError(
                "hydra.sweeper.objective and hydra.sweeper.direction must be one each or lists of "
                f"one length, but got {len(names)} and {len(directions)}"
            )
        return tuple(map(Objective, names, directions))

    @property
    def worker_count(self) -> int:
        return count_workers(self.n_workers, self.workers_per_gpu)

    @property
    def limits(self) -> Limits:
        return Limits(self.patience, self.on_failure)

    def plan(self, space: Space, setting_at: Callable[[Sequence[str], str], Any]) -> StudyPlan:
        """How to work a study of this space off. Raises ConfigError where it cannot be.

        `setting_at` tells what a setting is in a job with given overrides.
        """
        sampler = choose_sampler(self.sampler, space, self.n_trials)
        enqueued = tuple(space.read_point(point) for point in self.enqueue)
        for point in enqueued:
            if sampler == GRID and not space.is_point(point):
                raise ConfigError(
                    "a point of hydra.sweeper.enqueue must name all params of a grid, "
                    f"but got {dict(point)}"
                )
        return StudyPlan(
            sampler=sampler,
            seed=self.seed,
            n_trials=self.n_trials,
            enqueued=enqueued,
            repeats=self._read_repeats(space, setting_at),
            pruner=make_pruner(self.pruner, self.pruner_settings),
            pruner_objective=choose_objective(self.pruner_objective, self.objectives),
            n_objectives=len(self.objectives),
            max_retries=self.max_retries,
            limits=self.limits,
            hang_limit_s=None if self.hang_minutes is None else 60 * self.hang_minutes,
        )

    def _read_repeats(
        self, space: Space, setting_at: Callable[[Sequence[str], str], Any]
    ) -> Repeats:
        """Raises ConfigError where what shall differ is swept, or no one whole number."""
        count, name = self.repeats, self.repeat_setting
        if count == 1:
            return Repeats(1, name)
        if any(plain_name(param.name) == name for param in space.params):
            raise ConfigError(
                f"hydra.sweeper.repeats={count} sets {name}, which must not be swept then, but is; "
                "leave one of the two out, or repeat by another: hydra.sweeper.repeat_setting=…"
            )
        points = space.covering_points()
        first, *others = (setting_at(space.overrides(point), name) for point in points)
        if type(first) is not int or any(other != first for other in others):
            values = ["absent" if value is None else str(value) for value in (first, *others)]
            found = ", ".join(dict.fromkeys(values))
            raise ConfigError(
                f"hydra.sweeper.repeat_setting={name} must be one whole number for all trials, "
                f"but is {found}; set {name}=…, or repeat by another setting"
            )
        return Repeats(count, name, first)


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)
