"""Sweep: one `-m` invocation on a study, from the command line's overrides to the last table."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.sweep.conclusion import conclude
from qa_sweep.sweep.display import Display
from qa_sweep.sweep.engine import EngineWorkers
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.jobs import JobRunner, fixed_settings
from qa_sweep.sweep.launch import Engine
from qa_sweep.sweep.limits import Halt
from qa_sweep.sweep.local import LocalWorkers, end_with_parent
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.overrides import read_overrides
from qa_sweep.sweep.plan import show_plan
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.settings import SweepSettings
from qa_sweep.sweep.signals import StopRequest, heeding_signals
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.storage_url import HOW_TO_GIVE_A_PASSWORD, has_literal_password
from qa_sweep.sweep.studies import StudyOnDisk, load_if_there
from qa_sweep.sweep.study import StudyPlan, SweepStudy
from qa_sweep.sweep.summary import Leaderboard, format_seconds
from qa_sweep.sweep.supervision import Workers, supervise
from qa_sweep.sweep.worker import Worker

_PATIENCE_S = 300.0  # of a worker that is started while the storage's server is away


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
        complete in the end or failures ended the sweep, and KeyboardInterrupt where the user did.
        In a worker process it works, and shows nothing; a dry run shows what would be run.
        """
        self._refuse_typed_password()
        space, fixed = self._read_overrides(arguments)
        runner = JobRunner(self._context, self._config, self._task, fixed)
        plan = self._settings.plan(space, runner.setting)
        role = WorkerRole.of_this_process()
        if role is not None:
            self._serve(role, space, plan, runner)
            return None
        for values in space.covering_points():
            runner.check([*space.overrides(values), *plan.repeats.last_overrides])
        identity = self._identity(space)
        if self._settings.dry_run:
            name = self._study_name(identity)
            known = load_if_there(self._storage_url(), name, identity)
            show_plan(self._console, name, known, space, plan, runner)
            return None
        folder = self._folder(identity)
        study = self._open(identity, space, plan, folder)
        sample = space.overrides(space.covering_points()[0])
        workers = self._workers(study, folder, [*fixed, *sample])
        done = study.is_complete
        runner.begin(sample, self._on_disk(study, identity))
        out_of_time = None if done else self._work(study, space, runner, folder, workers)
        ready = runner.end(sample, self._on_disk(study, identity))
        leaderboard = Leaderboard.of(study.trials(), self._settings.objectives)
        next_steps = [*ready, *self._settings.next_steps]
        return conclude(
            self._console,
            leaderboard,
            folder,
            self._settings.repeat_setting,
            next_steps,
            out_of_time or study.halt,
        )

    def _read_overrides(self, arguments: Sequence[str]) -> tuple[Space, list[str]]:
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        return read_overrides(parser, arguments, self._settings.params, self._settings.conditions)

    def _identity(self, space: Space) -> Identity:
        # Where a conditional param is absent, the config's own value counts.
        swept = [param.name for param in space.params if param.condition is None]
        fixed = fixed_settings(self._config, swept, self._settings.ignored_settings)
        return Identity.of(space, self._settings.objectives, fixed)

    def _study_name(self, identity: Identity) -> str:
        name = self._settings.study_name or f"{self._settings.study_prefix}-{identity.digest}"
        if (self._results / name).parent != self._results or name.startswith("."):
            raise ConfigError(
                f"hydra.sweeper.study_name must be a plain name of a folder, but got {name!r}"
            )
        return name

    def _refuse_typed_password(self) -> None:
        """It would stand in the list of processes, in histories, and in each job's `.hydra/`."""
        typed = OmegaConf.to_container(self._config.hydra.sweeper, resolve=False)
        assert isinstance(typed, dict)
        if has_literal_password(str(typed.get("storage"))):
            raise ConfigError(
                "hydra.sweeper.storage must take its password from the environment, but has it "
                f"typed; {HOW_TO_GIVE_A_PASSWORD}"
            )

    def _storage_url(self) -> str:
        return self._settings.storage or default_storage_url(self._results)

    def _folder(self, identity: Identity) -> Path:
        """The study's folder. Raises OutputError where it cannot be made."""
        folder = self._results / self._study_name(identity)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder} must be a folder that can be written ({error.strerror}); "
                "choose another place: hydra.sweep.dir=…"
            ) from error
        return folder

    def _open(
        self,
        identity: Identity,
        space: Space,
        plan: StudyPlan,
        folder: Path,
        patience_s: float = 0.0,
    ) -> SweepStudy:
        storage = open_storage(self._storage_url(), patience_s)
        return SweepStudy(open_study(storage, folder.name, identity), space, storage, plan)

    def _on_disk(self, study: SweepStudy, identity: Identity) -> StudyOnDisk:
        trials = tuple(study.all_trials())
        return StudyOnDisk(study.name, self._results, identity.objectives, identity, trials)

    def _serve(self, role: WorkerRole, space: Space, plan: StudyPlan, runner: JobRunner) -> None:
        """Be a worker process of another sweep."""
        folder = Path(role.folder)
        study = self._open(self._identity(space), space, plan, folder, _PATIENCE_S)
        worker = Worker(study, space, self._settings.objectives, runner, folder, str(role.index))
        end_with_parent()
        with heeding_signals(StopRequest()) as request:
            if role.sweep is not None:
                study.stop_flag(role.sweep).obey()
            worker.warm_up(request)
            worker.work(request, n_trials=1 if role.is_isolating else None)

    def _work(
        self,
        study: SweepStudy,
        space: Space,
        runner: JobRunner,
        folder: Path,
        workers: Workers | None,
    ) -> Halt | None:
        """Work the study off, in `workers` or in this process; return a Halt if out of time."""
        study.reap()
        study.retry_failed()
        settings = self._settings
        display = Display(self._console, study, settings.objectives)
        request = StopRequest(self._announce_drain, settings.timeout)
        with heeding_signals(request):
            if workers is not None:
                supervise(workers, study, display, request)
            else:
                worker = Worker(
                    study, space, settings.objectives, runner, folder, showing=display.showing
                )
                with display.starting():
                    worker.warm_up(request)
                worker.work(request)
        if request.was_asked and not study.is_complete:
            raise KeyboardInterrupt
        if request.is_out_of_time and study.has_open:
            seconds = format_seconds(settings.timeout or 0)
            return Halt(f"{seconds} are over; the same command goes on", is_failure=False)
        return None

    def _workers(self, study: SweepStudy, folder: Path, overrides: Sequence[str]) -> Workers | None:
        """What works the study off; None where this process does it itself.

        `overrides` are those of any of its jobs.
        """
        n_workers, isolate = self._settings.worker_count, self._settings.isolate
        engine = Engine(self._context, self._config, overrides)
        if not engine.is_basic:
            sweep = uuid.uuid4().hex[:8]
            roles = [WorkerRole(i, str(folder), isolate, sweep) for i in range(n_workers)]
            return EngineWorkers(engine, roles, study.stop_flag(sweep))
        if n_workers == 1 and not isolate:
            return None
        return LocalWorkers([WorkerRole(i, str(folder), isolate) for i in range(n_workers)])

    def _announce_drain(self) -> None:
        self._console.print("finishing the trials at work; Ctrl-C again stops at once")
