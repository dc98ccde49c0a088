"""Jobs: each trial is a real Hydra job, with its own folder, log and `.hydra/`."""

import logging
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobStatus, configure_log, run_job
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from qa_sweep.disk import DiskFull, needing_room, refuse_full
from qa_sweep.errors import Diverged, StudyError
from qa_sweep.redaction import redact_logs
from qa_sweep.sweep.composing import Composer
from qa_sweep.sweep.identity import Objective, without
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.trial import Infeasible, Pruned

log = logging.getLogger(__name__)

PRUNED = object()


class JobRunner:
    """Composes and runs the jobs of a sweep.

    `fixed` are the overrides that all jobs share. A task may carry functions, which are given a
    composed config: `check` raises where the task would refuse it; `inputs` returns by name what
    its result depends on beside its settings, as the content of a file; `warm_up` does what a
    worker needs once for such a config, as imports, so that no trial's time includes it; `begin`
    and `end` are given the study too, before and after it is worked on, and `end` returns what to
    type next.
    """

    def __init__(
        self,
        context: HydraContext,
        config: DictConfig,
        task: Callable[[DictConfig], Any],
        fixed: Sequence[str],
    ) -> None:
        self._context = context
        self._config = config
        self._task = task
        self._composer = Composer(context.config_loader, config, fixed)

    def check(self, overrides: Sequence[str]) -> None:
        """Compose a job's config, and let the task look at it, without running it."""
        self._call("check", overrides)

    def warm_up(self, overrides: Sequence[str]) -> None:
        """Do what a worker needs once, with one of its jobs' configs as a sample."""
        self._call("warm_up", overrides)

    def inputs(self, jobs: Iterable[Sequence[str]]) -> dict[str, list[str]]:
        """By name, all that the results of these jobs depend on beside their settings."""
        found: dict[str, set[str]] = defaultdict(set)
        for overrides in jobs:
            for name, content in (self._call("inputs", overrides) or {}).items():
                found[name].add(content)
        return {name: sorted(contents) for name, contents in found.items()}

    def setting(self, overrides: Sequence[str], name: str) -> Any:
        """The value of a setting, by its dotted name, in a job's config; None where it has none."""
        return OmegaConf.select(self._composer.compose(overrides), name)

    def begin(self, overrides: Sequence[str], study: StudyOnDisk) -> None:
        """Do what a sweep needs once before its trials."""
        self._call("begin", overrides, study)

    def end(self, overrides: Sequence[str], study: StudyOnDisk) -> Sequence[str]:
        """Do what a sweep needs once after its trials; return what to type next."""
        return self._call("end", overrides, study) or ()

    def run(self, number: int, overrides: Sequence[str], folder: Path) -> Any:
        """Run one job in `folder`; return what its task returned, or PRUNED.

        Raises what the task raised, after writing it to the job's own log.
        """
        config = self._composer.compose(overrides)
        with open_dict(config):
            config.hydra.job.id = f"{folder.parent.name}/{number}"
            config.hydra.job.num = number
            config.hydra.sweep.dir = str(folder.parent)
            config.hydra.sweep.subdir = folder.name
        started_in = os.getcwd()
        try:
            with needing_room(folder):
                return self._run(config, folder)
        finally:
            os.chdir(started_in)
            # `run_job` has closed our log handlers for the job's.
            configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)

    def _call(self, name: str, overrides: Sequence[str], *arguments: Any) -> Any:
        """Call the function that the task may carry under `name`, and return what it returns."""
        config = self._composer.compose(overrides)
        with open_dict(config):
            del config["hydra"]
        function = getattr(self._task, name, lambda *_: None)
        return function(config, *arguments)

    def _run(self, config: DictConfig, folder: Path) -> Any:
        returned = run_job(
            task_function=self._stop_pruned,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self._context,
        )
        if returned.status is JobStatus.FAILED:
            error = returned._return_value
            refuse_full(error, folder)
            if isinstance(error, DiskFull):
                raise error
            if isinstance(error, Infeasible | Diverged):
                log.warning("%s: %s", type(error).__name__, error)
            else:
                log.error("the job failed", exc_info=error)
            raise error
        return returned.return_value

    def _stop_pruned(self, config: DictConfig) -> Any:
        """The task, where a pruned trial is a finished job and not a failed one."""
        redact_logs()  # which Hydra has just set up for this job
        try:
            return self._task(config)
        except Pruned:
            return PRUNED


def fixed_settings(config: DictConfig, swept: Sequence[str]) -> dict[str, Any]:
    """Dotted key → value of the settings that all jobs share, for a study's identity.

    Values are not resolved, so that nothing of the environment gets into the study.
    """
    with open_dict(config):
        names = [str(key) for key in config if key != "hydra"]
        task_config = OmegaConf.masked_copy(config, names)
    content = OmegaConf.to_container(task_config, resolve=False, enum_to_str=True)
    assert isinstance(content, dict)
    return without(dict(_flatten(content, "")), swept)


def _flatten(content: Mapping[Any, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        flat += _flatten(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return flat


def read_result(
    result: Any, objectives: Sequence[Objective]
) -> tuple[list[float], dict[str, float]]:
    """Split a task's result into the objectives' values and all metrics by name.

    A task returns a number, a sequence of numbers in the objectives' order, or a mapping of metric
    names to numbers. Raises StudyError for anything else.
    """
    names = [objective.name for objective in objectives]
    if isinstance(result, Mapping):
        metrics = {str(name): float(value) for name, value in result.items()}
    elif isinstance(result, Sequence) and not isinstance(result, str):
        metrics = dict(zip(names, map(float, result), strict=False))
    elif isinstance(result, int | float):
        metrics = {names[0]: float(result)}
    else:
        raise StudyError(
            f"the job must return a number or a mapping of metrics, but returned {result!r}"
        )
    missing = [name for name in names if name not in metrics]
    if missing:
        raise StudyError(
            f"the job's result must hold the objective {missing[0]}, but holds "
            f"{', '.join(metrics) or 'nothing'}; pass hydra.sweeper.objective=…"
        )
    values = [metrics[name] for name in names]
    if any(math.isnan(value) for value in values):
        raise StudyError(f"the job's objective must be a number, but is nan: {metrics}")
    return values, metrics
