"""One run, from start to end."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from qa_sweep import records, training
from qa_sweep.accord import AIM_RUN
from qa_sweep.answered import answer_questions, held_out_sample
from qa_sweep.config import RunConfig
from qa_sweep.data import load_examples
from qa_sweep.device import (
    choose_device,
    choose_precision,
    keep_freed_memory,
    keep_to_share,
    set_threads,
)
from qa_sweep.disk import DiskFull
from qa_sweep.errors import Diverged
from qa_sweep.evaluation import Evaluation, evaluate
from qa_sweep.memory import Memory
from qa_sweep.model import Reader, make_reader
from qa_sweep.prepared import Prepared, prepare_splits
from qa_sweep.run_files import CHECKPOINTS_FOLDER
from qa_sweep.stopwatch import Stopwatch
from qa_sweep.sweep.slots import gpu_share
from qa_sweep.sweep.tickets import OUTCOME, RETRY_OF
from qa_sweep.sweep.trial import Infeasible, Pruned, TrialHandle
from qa_sweep.timing import Timing
from qa_sweep.tracked_params import params
from qa_sweep.tracking import Outcome, RunTracker, choose_hash, import_tracker, open_tracker
from qa_sweep.tracking.callback import AimCallback
from qa_sweep.tracking.settling import hand_on
from qa_sweep.training_arguments import training_arguments
from qa_sweep.trial_callback import TrialCallback, living_by_batches

log = logging.getLogger(__name__)


def run(config: RunConfig, folder: Path, handle: TrialHandle) -> dict[str, float]:
    """Train, evaluate, track and save one model; return the metrics of its best evaluation.

    Checkpoints stay until all is written and tracked, and where the run may still go on from them.

    A trial that was interrupted goes on from its last whole checkpoint, in the same Aim run.
    Raises DataError, ModelError or ConfigError for what cannot be run, Diverged for a loss that is
    no longer a number, Infeasible for what does not fit into memory however it is divided, and
    Pruned where the trial is told to stop.
    """
    try:
        metrics = _run(config, folder, handle)
    except (Pruned, Diverged, Infeasible):
        _remove_checkpoints(folder)
        raise
    _remove_checkpoints(folder)
    log.info("best evaluation: %s", metrics)
    return metrics


def _remove_checkpoints(folder: Path) -> None:
    shutil.rmtree(folder / CHECKPOINTS_FOLDER, ignore_errors=True)


def _run(config: RunConfig, folder: Path, handle: TrialHandle) -> dict[str, float]:
    started = time.monotonic()
    splits = load_examples(config.data)
    with _tracked(config, folder, handle) as tracker:
        prepared = prepare_splits(config.model, config.data, splits)
        memory = Memory(config, handle)
        trained = memory.train(partial(_train, folder, handle, tracker, prepared, memory))
        best = trained.trainer.best
        trained.reader.set_decision(best.fitting.decision)
        tracker.set_params({"best": best.metrics})
        n_questions = config.tracking.n_held_out_questions
        tracker.track_questions(held_out_sample(best, splits.eval, n_questions))
        if trained.is_pruned:
            raise Pruned
        tracker.track_questions(answer_questions(config, memory, trained.reader))

        seconds = time.monotonic() - started
        timing = trained.timing(seconds, prepared)
        tracker.set_params({"timing": timing.known()})
        record = records.Record(memory.fitting, best, trained.trainer.state, seconds, timing)
        record.save(folder, trained.reader, splits)
    return best.metrics


def warm_up(config: RunConfig) -> None:
    """Load what runs with settings like these share: libraries, windows, a first model."""
    prepared = prepare_splits(config.model, config.data, load_examples(config.data))
    make_reader(config.model, prepared.tokenizer, config.data.max_length, config.seed)
    import_tracker(config.tracking)


@dataclass(frozen=True, eq=False)
class _Trained:
    """What a training leaves in memory."""

    reader: Reader
    trainer: training.ReaderTrainer
    stopwatch: Stopwatch
    is_pruned: bool

    def timing(self, seconds: float, prepared: Prepared) -> Timing:
        """Where the `seconds` of the whole run went."""
        share = self.trainer.real_token_share
        return self.stopwatch.timing(seconds, prepared.train.windows, share)


def _train(
    folder: Path,
    handle: TrialHandle,
    tracker: RunTracker,
    prepared: Prepared,
    memory: Memory,
    config: RunConfig,
) -> _Trained:
    """Train a new model; of this nothing stays behind where memory does not suffice."""
    reader = make_reader(config.model, prepared.tokenizer, config.data.max_length, config.seed)
    stopwatch = Stopwatch()
    trial_callback = TrialCallback(handle, config.trainer.best_metric)
    callbacks = [stopwatch, trial_callback, AimCallback(tracker=tracker)]
    evaluate_split = partial(_evaluate, memory, stopwatch, handle)
    trainer = _make_trainer(config, folder, reader, prepared, evaluate_split, callbacks)
    tracker.set_params(params(config, reader, prepared, handle, folder))
    training.train(trainer)
    return _Trained(reader, trainer, stopwatch, trial_callback.pruned)


def _make_trainer(
    config: RunConfig,
    folder: Path,
    reader: Reader,
    prepared: Prepared,
    evaluate_split: training.Evaluate,
    callbacks: list,
) -> training.ReaderTrainer:
    from qa_sweep.predictions import save_evaluation  # not before workers are forked

    device = choose_device(config.trainer)
    _prepare_device(config, device, reader)
    arguments = training_arguments(
        folder,
        config.trainer,
        config.evaluation,
        device=device,
        precision=choose_precision(config.trainer, device),
        seed=config.seed,
        fused_optimizer=config.speed.fused_optimizer,
    )
    return training.ReaderTrainer(
        reader,
        prepared.train,
        prepared.held_out,
        arguments,
        config.trainer,
        config.speed,
        evaluate_split,
        config.data.max_length,
        callbacks,
        partial(save_evaluation, folder, prepared.held_out.examples),
    )


def _prepare_device(config: RunConfig, device: torch.device, reader: Reader) -> None:
    """Set what holds for the whole process."""
    share = gpu_share()
    if device.type == "cuda" and share is not None:
        keep_to_share(device, share)
    if device.type == "cpu" and config.speed.keep_freed_memory:
        keep_freed_memory()
    set_threads(config.trainer, reader.n_parameters)


def _evaluate(
    memory: Memory,
    stopwatch: Stopwatch,
    handle: TrialHandle,
    reader: Reader,
    split: training.Split,
    autocast: torch.dtype | None,
) -> Evaluation:
    with stopwatch.evaluating(), living_by_batches(reader.model, handle):
        return memory.evaluate(
            lambda fitting: evaluate(
                reader,
                split.windows,
                split.examples,
                fitting.evaluation,
                autocast,
                fitting.speed.spans_on_device,
            )
        )


@contextmanager
def _tracked(config: RunConfig, folder: Path, handle: TrialHandle) -> Iterator[RunTracker]:
    """Open the run's record, and close it with the outcome, whatever happens."""
    experiment = config.tracking.experiment or handle.study_name
    if (retried := handle.attribute(RETRY_OF)) is not None:
        hand_on(folder.parent / str(retried), folder)
    tracker = open_tracker(
        config.tracking,
        experiment=experiment or f"{config.model.name}-{config.data.name}",
        run_name=f"{folder.parent.name}/{folder.name}",
        folder=folder,
        run_hash=_run_hash(config, handle),
    )
    outcome, reason = Outcome.interrupted, None
    try:
        yield tracker
        outcome = Outcome.complete
    except Pruned:
        outcome = Outcome.pruned
        raise
    except DiskFull:  # the run goes on when there is room
        raise
    except Diverged as error:
        outcome, reason = Outcome.diverged, str(error)
        raise
    except Exception as error:
        outcome, reason = Outcome.failed, f"{type(error).__name__}: {error}"
        raise
    finally:
        tracker.close(outcome, reason)
        if reason is not None:
            handle.set_attribute(OUTCOME, outcome.value)


def _run_hash(config: RunConfig, handle: TrialHandle) -> str | None:
    """The hash of the trial's run, kept with the trial before there is a run of it.

    So whoever continues the trial finds the run, wherever this process is killed.
    """
    run_hash = handle.attribute(AIM_RUN)
    if run_hash is None:
        run_hash = choose_hash(config.tracking)
        if run_hash is not None:
            handle.set_attribute(AIM_RUN, run_hash)
    return run_hash
