"""Our way: the training of a run, as its settings say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from gpu_parts.problem import make_reader
from gpu_parts.timing import Work
from qa_sweep.config import Device, EvaluationConfig, SpeedConfig, TrainerConfig
from qa_sweep.device import choose_device, choose_precision
from qa_sweep.evaluation import Evaluation
from qa_sweep.model import Reader
from qa_sweep.training import Evaluate, ReaderTrainer, Split
from qa_sweep.training_arguments import training_arguments

SETTINGS = {"learning_rate": 4e-5, "weight_decay": 0.01, "warmup": 0, "group_by_length": True}
SPEED = SpeedConfig()


def make_trainer(
    work: Work,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
    *,
    speed: SpeedConfig = SPEED,
    evaluate: Evaluate | None = None,
    **settings: Any,
) -> ReaderTrainer:
    """The trainer of a run with these settings; nothing is evaluated or saved on its own."""
    config = TrainerConfig(
        epochs=work.n_epochs,
        batch_size=work.batch_size,
        **{**SETTINGS, "device": Device(work.problem.scale.device), **settings},
    )
    device = choose_device(config)
    arguments = training_arguments(
        folder,
        config,
        EvaluationConfig(),
        device=device,
        precision=choose_precision(config, device),
        seed=0,
        fused_optimizer=speed.fused_optimizer,
    )
    arguments.eval_strategy = IntervalStrategy.NO
    arguments.save_strategy = SaveStrategy.NO
    arguments.load_best_model_at_end = False
    split = Split(work.problem.examples, work.problem.windows)
    return ReaderTrainer(
        make_reader(work.problem.scale),
        split,
        split,
        arguments,
        config,
        speed,
        evaluate or _no_evaluation,
        work.problem.scale.max_length,
        callbacks,
    )


def _no_evaluation(reader: Reader, split: Split, autocast: torch.dtype | None) -> Evaluation:
    raise AssertionError("a step is timed without evaluations")
