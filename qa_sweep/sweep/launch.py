"""Launch: one worker, given to the configured Hydra launcher as a job of its own."""

import copy
import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from qa_sweep.errors import StudyError
from qa_sweep.sweep.local import this_command
from qa_sweep.sweep.remote import RemoteWorker
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.slurm import submitted_jobs
from qa_sweep.sweep.spelling import spell

_BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


@dataclass(frozen=True)
class Engine:
    """The configured launcher.

    `overrides` are those of any of the sweep's jobs: without them the app's config may not compose,
    which a launcher does for each job, although a worker has no use for it.
    """

    context: HydraContext
    config: DictConfig
    overrides: Sequence[str]

    @property
    def is_basic(self) -> bool:
        """Whether it is Hydra's own, which runs jobs one after the other in this process."""
        return self.config.hydra.launcher._target_ == _BASIC

    def launch(self, role: WorkerRole) -> "Launch":
        """Have the worker started, in the background."""
        folder = Path(role.folder) / ".workers" / str(role.index)
        config = _for_worker(self.config, role, folder)
        # Callbacks of the user's are about trials, not about workers.
        context = HydraContext(config_loader=self.context.config_loader, callbacks=Callbacks())
        task = RemoteWorker(tuple(this_command()[1:]), os.getcwd(), role)
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=task, config=config
        )
        _start_ray(launcher)
        overrides = [
            *self.overrides,
            "hydra.job.chdir=false",
            "hydra.output_subdir=null",
            f"hydra.sweep.dir={spell(str(folder))}",
            "hydra.sweep.subdir=.",
        ]
        return Launch(launcher, overrides, role.index, _submitit_folder(config))


class Launch:
    """A launcher at work on one job, in a thread, since launchers wait for what they launch."""

    def __init__(
        self, launcher: Any, overrides: list[str], index: int, submitit_folder: Path | None
    ) -> None:
        self.error: BaseException | None = None
        self._launcher = launcher
        self._overrides = overrides
        self._index = index
        self._submitit_folder = submitit_folder
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._started

    @property
    def slurm_jobs(self) -> set[str]:
        """The ids of the jobs in Slurm's queue that it led to; none elsewhere."""
        return submitted_jobs(self._submitit_folder) if self._submitit_folder else set()

    def _run(self) -> None:
        # Launchers start their processes in our process group, where a terminal's Ctrl-C reaches
        # them; started from a thread that blocks it they do not hear it, and workers can drain.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        # Each logs the overrides of its job, which mean nothing here.
        package = type(self._launcher).__module__.rpartition(".")[0]
        logging.getLogger(package).setLevel(logging.WARNING)
        try:
            (returned,) = self._launcher.launch([self._overrides], initial_job_idx=self._index)
            if returned.status is JobStatus.FAILED:
                self.error = returned._return_value
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ended the job
            self.error = error


def _for_worker(config: DictConfig, role: WorkerRole, folder: Path) -> DictConfig:
    """A sweep's config with the places for what the launcher writes about one worker."""
    config = copy.deepcopy(config)
    with read_write(config), read_write(config.hydra), open_dict(config):
        config.hydra.sweep.dir = str(folder)
        config.hydra.sweep.subdir = "."
        pattern = config.hydra.launcher.get("submitit_folder")
        if pattern is not None:  # apart, so that it shows which jobs are this worker's
            own = f"{role.sweep}-{role.index}/%j"
            config.hydra.launcher.submitit_folder = (
                pattern.replace("%j", own) if "%j" in pattern else f"{pattern}/{own}"
            )
    return config


def _submitit_folder(config: DictConfig) -> Path | None:
    pattern = config.hydra.launcher.get("submitit_folder")
    return None if pattern is None else Path(str(pattern).partition("%j")[0])


def _start_ray(launcher: Any) -> None:
    """Start Ray, or join the one that runs, before its launcher does; in the main thread.

    The launcher would do so in each launch that finds none, so that several at once fail; from a
    thread, with which Linux ends the processes of Ray; and with a size of the object store, which
    Ray refuses where it joins a cluster.
    """
    settings = getattr(launcher, "ray_cfg", None)
    if settings is None or "cluster" in settings:  # `ray_aws` has clusters of its own
        return
    ray = importlib.import_module("ray")
    if not ray.is_initialized():
        arguments: Any = OmegaConf.to_container(settings.init, resolve=True)
        try:
            with _keeping_signals():
                ray.init(**arguments)
        except (OSError, RuntimeError, ValueError) as error:  # no such cluster, unfit settings
            raise StudyError(f"Ray does not start with hydra.launcher.ray.init: {error}") from error


@contextmanager
def _keeping_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself, in Python and below it; Ctrl-C ends the wait for a cluster."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread handle signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
