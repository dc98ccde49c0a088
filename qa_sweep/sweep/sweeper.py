"""Sweep: one `-m` invocation on a study, from the command line's overrides to the last table."""

import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext
from omegaconf import DictConfig
from rich.console import Console
from rich.text import Text

from qa_sweep.disk import DiskFull, needing_room
from qa_sweep.sweep.conclusion import conclude
from qa_sweep.sweep.display import Display
from qa_sweep.sweep.engine import EngineWorkers
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.jobs import JobRunner, fixed_settings
from qa_sweep.sweep.launch import Engine
from qa_sweep.sweep.limits import Halt
from qa_sweep.sweep.local import DISK_FULL, LocalWorkers, end_at_once, end_with_parent
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.overrides import read_overrides
from qa_sweep.sweep.place import Place
from qa_sweep.sweep.plan import show_plan
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.settings import SweepSettings
from qa_sweep.sweep.signals import StopRequest, heeding_signals
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import StudyStorage, open_storage
from qa_sweep.sweep.studies import StudyOnDisk, load_if_there
from qa_sweep.sweep.study import StudyPlan, SweepStudy
from qa_sweep.sweep.summary import Leaderboard, format_seconds
from qa_sweep.sweep.supervision import Workers, supervise
from qa_sweep.sweep.template import Template
from qa_sweep.sweep.twin import describe_twin
from qa_sweep.sweep.worker import Worker

log = logging.getLogger(__name__)

_PATIENCE_S = 300.0  # of a worker that is started while the storage's server is away


class Sweep:
    """Opens the study, has its trials worked off, and shows what came of it.

    Workers of this machine are forked of the `template`, where there is one.
    """

    def __init__(
        self,
        settings: SweepSettings,
        context: HydraContext,
        task: Callable[[DictConfig], Any],
        config: DictConfig,
        template: Template | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._task = task
        self._config = config
        self._template = template
        self._console = Console()
        self._place = Place.of(config, settings.storage)

    def run(self, arguments: Sequence[str]) -> float | None:
        """Work the study off and return its best value.

        Raises ConfigError or StudyError before anything is written, StudyError where no trial was
        complete in the end or failures ended the sweep, and KeyboardInterrupt where the user did.
        In a worker process it works, and shows nothing; a dry run shows what would be run. Raises
        DiskFull where there is no room: nothing that was written before is lost.
        """
        with needing_room(self._place.results), needing_room(self._place.storage_folder):
            return self._run(arguments)

    def _run(self, arguments: Sequence[str]) -> float | None:
        space, fixed = self._read_overrides(arguments)
        runner = JobRunner(self._context, self._config, self._task, fixed)
        plan = self._settings.plan(space, runner.setting)
        role = WorkerRole.of_this_process()
        if role is not None:
            self._serve(role, space, plan, runner)
            end_at_once()
        for values in space.covering_points():
            runner.check([*space.overrides(values), *plan.repeats.last_overrides])
        identity = self._identity(space, runner)
        name = self._study_name(identity)
        if self._settings.dry_run:
            known = load_if_there(self._place.url, name, identity)
            show_plan(self._console, name, known, space, plan, runner)
            return None
        folder = self._place.make_folder(name)
        storage = open_storage(self._place.url)
        study = SweepStudy(open_study(storage, name, identity), space, storage, plan)
        self._mention_twin(storage, study, identity)
        sample = space.overrides(space.covering_points()[0])
        workers = self._workers(study, folder, [*fixed, *sample])
        done = study.is_complete
        runner.begin(sample, self._on_disk(study, identity))
        out_of_time = None if done else self._work(study, space, runner, folder, workers)
        study.remove_old_leases()
        next_steps = runner.end(sample, self._on_disk(study, identity))
        leaderboard = Leaderboard.of(study.trials(), self._settings.objectives)
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

    def _identity(self, space: Space, runner: JobRunner) -> Identity:
        # Where a conditional param is absent, the config's own value counts.
        swept = [param.name for param in space.params if param.condition is None]
        inputs = runner.inputs(map(space.overrides, space.covering_points()))
        fixed = {**fixed_settings(self._config, swept), **inputs}
        settings = self._settings
        return Identity.of(space, settings.objectives, fixed, settings.ignored_settings)

    def _study_name(self, identity: Identity) -> str:
        name = self._settings.study_name or f"{self._settings.study_prefix}-{identity.digest}"
        self._place.check_name(name)
        return name

    def _mention_twin(self, storage: StudyStorage, study: SweepStudy, identity: Identity) -> None:
        """Say so where perhaps an upgrade alone has made a new study of a known one."""
        if self._settings.study_name is None and not study.all_trials():
            twin = describe_twin(storage, study.name, identity)
            if twin is not None:
                self._console.print(Text(twin), soft_wrap=True)

    def _on_disk(self, study: SweepStudy, identity: Identity) -> StudyOnDisk:
        return StudyOnDisk(
            study.name,
            self._place.results,
            identity.objectives,
            identity,
            tuple(study.all_trials()),
            self._place.storage_option,
        )

    def _serve(self, role: WorkerRole, space: Space, plan: StudyPlan, runner: JobRunner) -> None:
        """Be a worker process of another sweep."""
        folder = Path(role.folder)
        storage = open_storage(self._place.url, _PATIENCE_S)
        opened = open_study(storage, folder.name, self._identity(space, runner))
        study = SweepStudy(opened, space, storage, plan)
        worker = Worker(study, space, self._settings.objectives, runner, folder, str(role.index))
        end_with_parent()
        with heeding_signals(StopRequest()) as request:
            if role.sweep is not None:
                study.stop_flag(role.sweep).obey()
            try:
                with needing_room(self._place.storage_folder):
                    worker.warm_up(request)
                    worker.work(request, n_trials=1 if role.is_isolating else None)
            except DiskFull as error:
                log.error(str(error))
                sys.exit(DISK_FULL)  # for the sweep to tell

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
        request = StopRequest(settings.timeout)
        with heeding_signals(request), display.telling_of(request):
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
        roles = [WorkerRole(i, str(folder), isolate) for i in range(n_workers)]
        return LocalWorkers(roles, self._template)
