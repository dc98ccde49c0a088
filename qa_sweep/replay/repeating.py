"""Repeating: a run's settings as it had them, run again."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from qa_sweep import job
from qa_sweep.config import (
    HubData,
    PretrainedModel,
    QuestionsConfig,
    RunConfig,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.run_record import RunRecord
from qa_sweep.sweep.display import showing
from qa_sweep.sweep.trial import Infeasible, TrialHandle, working_on

Settings = TypeVar("Settings")


def plan(record: RunRecord, *, track: bool) -> RunConfig:
    """The settings of the run, with the commits and threads that it had.

    Untracked, it answers no question set, which changes no result. Raises ConfigError.
    """
    config = record.config
    if not track:
        tracking = TrackingConfig(tracker=Tracker.off, n_held_out_questions=0)
        config = replace(config, tracking=tracking, questions=QuestionsConfig())
    return replace(
        config,
        model=_at_commit(config.model, record.result.get("model_revision")),
        data=_at_commit(config.data, record.result.get("data_revision")),
        trainer=_with_threads(config.trainer, record.result.get("n_threads")),
    )


def repeat(config: RunConfig, folder: Path) -> RunRecord:
    """Run it in `folder`, which is new; of a run that fails nothing is left behind.

    Raises what a run raises, all as QaSweepError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}") from error
    handle = TrialHandle({"model": config.model.name, "data": config.data.name})
    try:
        with working_on(handle), showing(Console(), lambda: [handle.running()]):
            job.run(config, folder, handle)
        return RunRecord.read(folder)
    except Infeasible as error:
        shutil.rmtree(folder)
        raise ConfigError(str(error)) from error
    except BaseException:
        shutil.rmtree(folder)
        raise


def _at_commit(settings: Settings, commit: str | None) -> Settings:
    """A model or data at the commit at which it was loaded, whatever its branch is now."""
    if commit is not None and isinstance(settings, HubData | PretrainedModel):
        return replace(settings, revision=commit)
    return settings


def _with_threads(trainer: TrainerConfig, n_threads: int | None) -> TrainerConfig:
    """Sums depend on how many threads divide them."""
    if n_threads is None or trainer.n_threads is not None:
        return trainer
    return replace(trainer, n_threads=n_threads)
