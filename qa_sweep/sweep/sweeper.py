"""Sweep: one `-m` invocation on a study, from the command line's overrides to the last table."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext
from omegaconf import DictConfig
from optuna.pruners import BasePruner
from rich.console import Console

from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.sweep.conclusion import conclude
from qa_sweep.sweep.display import Display
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.jobs import JobRunner, fixed_settings
from qa_sweep.sweep.local import LocalWorkers, WorkerRole, end_with_parent
from qa_sweep.sweep.pruners import make_pruner
from qa_sweep.sweep.samplers import choose_sampler
from qa_sweep.sweep.signals import StopRequest, heeding_signals
from qa_sweep.sweep.slots import count_workers
from qa_sweep.sweep.space import Space, read_space
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.study import SweepStudy, open_study
from qa_sweep.sweep.summary import Leaderboard
from qa_sweep.sweep.worker import Worker

log = logging.getLogger(__name__)

_REFRESH_INTERVAL_S = 0.5


@dataclass(frozen=True)
class SweepSettings:
    """The plugin's settings (described there), read and checked."""

    params: dict[str, Any]
    sampler: str
    pruner: BasePruner
    n_trials: int | None
    objectives: tuple[Objective, ...]
    study_name: str | None
    study_prefix: str
    storage: str | None
    n_workers: int
    seed: int
    max_retries: int
    ignored_settings: list[str]
    next_steps: list[str]

    @staticmethod
    def of(*, objective: Any, direction: Any, **settings: Any) -> "SweepSettings":
        """Raises ConfigError for a number of trials below 1 or a direction without objective."""
        n_trials = settings["n_trials"]
        if n_trials is not None and n_trials < 1:
            raise ConfigError(
                f"hydra.sweeper.n_trials must be at least 1, but got {n_trials}; "
                "pass hydra.sweeper.n_trials=…"
            )
        names, directions = _as_list(objective), _as_list(direction)
        if not names or len(names) != len(directions):
            raise ConfigError(
                "hydra.sweeper.objective and hydra.sweeper.direction must be one each or lists of "
                f"one length, but got {len(names)} and {len(directions)}"
            )
        objectives = tuple(map(Objective, names, directions))
        pruner = make_pruner(
            settings.pop("pruner"), settings.pop("pruner_settings"), len(objectives)
        )
        n_workers = count_workers(settings.pop("n_workers"), settings.pop("workers_per_gpu"))
        return SweepSettings(objectives=objectives, pruner=pruner, n_workers=n_workers, **settings)


class Sweep:
    """Opens the study, has its trials worked off, and shows what came of it."""

    def __init__(
        self,
        settings: SweepSettings,
        context: HydraContext,
        task: Callable[[DictConfig], Any],
        config: DictConfig,
    ) -> None:
        self._settings = settings
        self._context = context
        self._task = task
        self._config = config
        self._console = Console()
        self._results = Path(str(config.hydra.sweep.dir)).resolve()

    def run(self, arguments: Sequence[str]) -> float | None:
        """Work the study off and return its best value.

        Raises ConfigError or StudyError before anything is written, StudyError where no trial was
        complete in the end, and KeyboardInterrupt where the user stopped it. In a worker process it
        works, and shows nothing.
        """
        space, fixed = self._read_overrides(arguments)
        sampler = choose_sampler(self._settings.sampler, space, self._settings.n_trials)
        runner = JobRunner(self._context, self._config, self._task, fixed)
        role = WorkerRole.of_this_process()
        if role is not None:
            study = self._open(self._identity(space), space, sampler, role.folder)
            self._serve(Worker(study, space, self._settings.objectives, runner, role.folder))
            return None
        for values in space.covering_points():
            runner.check(space.overrides(values))
        identity = self._identity(space)
        folder = self._folder(identity)
        study = self._open(identity, space, sampler, folder)
        if not study.is_complete:
            self._work(study, space, runner, folder)
        leaderboard = Leaderboard.of(study.trials(), self._settings.objectives)
        return conclude(self._console, leaderboard, folder, self._settings.next_steps)

    def _read_overrides(self, arguments: Sequence[str]) -> tuple[Space, list[str]]:
        """The space, and the overrides that all jobs share; the command line goes first."""
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        given = parser.parse_overrides(list(arguments))
        keys = {_key(override) for override in given}
        configured = parser.parse_overrides(
            [f"{name}={sweep}" for name, sweep in self._settings.params.items()]
        )
        overrides = [*(o for o in configured if _key(o) not in keys), *given]
        space = read_space([o for o in overrides if o.is_sweep_override()])
        return space, [str(o.input_line) for o in overrides if not o.is_sweep_override()]

    def _identity(self, space: Space) -> Identity:
        swept = [param.name for param in space.params]
        fixed = fixed_settings(self._config, swept, self._settings.ignored_settings)
        return Identity.of(space, self._settings.objectives, fixed)

    def _folder(self, identity: Identity) -> Path:
        """The study's folder. Raises OutputError where it cannot be made."""
        name = self._settings.study_name or f"{self._settings.study_prefix}-{identity.digest}"
        folder = self._results / name
        if folder.parent != self._results or name.startswith("."):
            raise ConfigError(
                f"hydra.sweeper.study_name must be a plain name of a folder, but got {name!r}"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder} must be a folder that can be written ({error.strerror}); "
                "choose another place: hydra.sweep.dir=…"
            ) from error
        return folder

    def _open(self, identity: Identity, space: Space, sampler: str, folder: Path) -> SweepStudy:
        storage = open_storage(self._settings.storage or default_storage_url(folder.parent))
        return SweepStudy(
            open_study(storage, folder.name, identity, folder),
            space,
            folder,
            n_trials=self._settings.n_trials,
            sampler=sampler,
            seed=self._settings.seed,
            pruner=self._settings.pruner,
            max_retries=self._settings.max_retries,
        )

    def _serve(self, worker: Worker) -> None:
        """Be a worker process of another sweep."""
        end_with_parent()
        with heeding_signals(StopRequest()) as request:
            worker.warm_up()
            worker.work(request)

    def _work(self, study: SweepStudy, space: Space, runner: JobRunner, folder: Path) -> None:
        """Work the study off, in this process or in several others."""
        study.reap()
        study.retry_failed()
        display = Display(self._console, study, self._settings.objectives)
        with heeding_signals(StopRequest(self._announce_drain)) as request:
            if self._settings.n_workers > 1:
                self._supervise(study, folder, display, request)
            else:
                objectives = self._settings.objectives
                worker = Worker(study, space, objectives, runner, folder, display.showing)
                with display.starting():
                    worker.warm_up()
                worker.work(request)
        if request.is_draining and not study.is_complete:
            raise KeyboardInterrupt

    def _supervise(
        self, study: SweepStudy, folder: Path, display: Display, request: StopRequest
    ) -> None:
        told_to_drain = False
        with LocalWorkers(self._settings.n_workers, folder) as workers, display.watching():
            while workers.tend(request.is_draining):
                if request.is_draining and not told_to_drain:
                    workers.drain()
                    told_to_drain = True
                if display.refresh():
                    workers.reset_deaths()
                study.reap()
                time.sleep(_REFRESH_INTERVAL_S)
        display.refresh()

    def _announce_drain(self) -> None:
        self._console.print("finishing the trials at work; Ctrl-C again stops at once")


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _key(override: Override) -> str:
    return str(override.get_key_element().lstrip("+~"))
