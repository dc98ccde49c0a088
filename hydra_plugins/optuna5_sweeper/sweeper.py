"""The facade that Hydra finds: the settings, and a class that hands over to `qa_sweep.sweep`.

Hydra imports every plugin at each start, so nothing heavy is imported here.
"""

import copy
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import CompactHydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from qa_sweep.errors import QaSweepError
from qa_sweep.sweep.role import WorkerRole


@dataclass
class Optuna5SweeperConf:
    """Settings under `hydra.sweeper`."""

    _target_: str = "hydra_plugins.optuna5_sweeper.sweeper.Optuna5Sweeper"
    params: dict[str, Any] = field(default_factory=dict)  # param → sweep, as on the command line
    conditions: dict[str, str] = field(default_factory=dict)  # param → param=value it belongs to
    enqueue: list[Any] = field(default_factory=list)  # points to begin with, each param → value
    sampler: str = "auto"  # or grid, random, tpe, gp, cmaes, nsga2, qmc
    pruner: str = "none"  # asha, hyperband, median, patient, wilcoxon
    pruner_settings: dict[str, Any] = field(default_factory=dict)  # Optuna's, of that pruner
    pruner_objective: str | None = None  # what to prune by; null: the first objective
    repeats: int = 1  # trials of each point
    repeat_setting: str = "seed"  # what they differ in: its value goes up by one
    n_trials: int | None = None  # finished trials of the study, over all sweeps; null for a grid
    timeout: float | None = None  # seconds after which this sweep takes no more trials
    patience: int | None = None  # finished trials in a row without progress that end the study
    on_failure: str = "continue"  # or stop: the first failed trial ends the sweep
    objective: Any = "objective"  # metric of the job's result, or a list of them
    direction: Any = "minimize"  # or maximize; a list for several objectives
    study_name: str | None = None  # null: study_prefix and a digest of space and settings
    study_prefix: str = "${hydra.job.name}"
    storage: str | None = None  # URL; null: studies.db in hydra.sweep.dir
    n_workers: Any = 1  # processes that work at once; auto: one a GPU
    workers_per_gpu: int = 1  # workers that share a GPU
    isolate: bool = False  # a fresh process for each trial
    share_imports: bool = True  # workers of this machine are forked of one that imports for all
    seed: int = 0  # of the sampler
    max_retries: int = 2  # times that a trial whose worker died is tried again
    hang_minutes: float | None = 30.0  # without a sign of life, until a job is stopped; null: any
    ignored_settings: list[str] = field(default_factory=list)  # may differ within one study
    dry_run: bool = False  # show and check the trials that would run, and run none


class Optuna5Sweeper(Sweeper):
    """Hydra's side of the sweep."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._template: Any = None
        self._sweep: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        with _one_line_errors():
            # First: little is in memory yet, and it imports while we go on.
            self._template = self._begin_template(hydra_context, task_function, config)
            _call("check", task_function, config)
            # Optuna takes a second to import, which a bad setting need not wait for.
            from qa_sweep.sweep.settings import SweepSettings
            from qa_sweep.sweep.sweeper import Sweep

            settings = SweepSettings(**self._settings)
            self._sweep = Sweep(settings, hydra_context, task_function, config, self._template)

    def sweep(self, arguments: list[str]) -> Any:
        with _one_line_errors(), self._template or nullcontext():
            return self._sweep.run(arguments)

    def _begin_template(self, context: HydraContext, task: TaskFunction, config: DictConfig) -> Any:
        """A process to fork workers of, where there will be some and the task has `preload`.

        Returns in each of them as well: there with None.
        """
        from qa_sweep.sweep.launch import Engine
        from qa_sweep.sweep.slots import count_workers
        from qa_sweep.sweep.template import Template

        given = self._settings
        n_workers = count_workers(given["n_workers"], given["workers_per_gpu"])
        is_wanted = (
            given["share_imports"]
            and hasattr(task, "preload")
            and (n_workers > 1 or given["isolate"])
            and not given["dry_run"]
            and Engine(context, config, overrides=()).is_basic
            and WorkerRole.of_this_process() is None
        )
        preload = partial(_call, "preload", task, config)
        return Template.begin(preload, n_workers) if is_wanted else None


def _call(name: str, task_function: TaskFunction, config: DictConfig) -> None:
    """Call the function that the task may carry under `name`, with the settings of all jobs."""
    function = getattr(task_function, name, None)
    if function is not None:
        task_config = copy.deepcopy(config)
        with open_dict(task_config):
            del task_config["hydra"]
        function(task_config)


class _one_line_errors:  # noqa: N801 - reads as a statement
    """Hydra prints errors of its own kind as one line, all others with a traceback."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, QaSweepError):
            raise CompactHydraException(str(error)) from error


ConfigStore.instance().store(
    group="hydra/sweeper", name="optuna5", node=Optuna5SweeperConf, provider="optuna5_sweeper"
)
