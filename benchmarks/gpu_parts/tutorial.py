"""The tutorial's way: the Trainer's defaults, rows of the full length, the default collator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

from gpu_parts.problem import make_reader
from gpu_parts.timing import Work

EVALUATION_BATCH_SIZE = 16  # the tutorial's


def make_trainer(
    work: Work, folder: Path, callbacks: Sequence[TrainerCallback], **arguments: Any
) -> Trainer:
    """A Trainer as tutorials have it; nothing is reported, evaluated or saved on its own."""
    scale = work.problem.scale
    torch.manual_seed(0)
    trainer = Trainer(
        model=make_reader(scale).model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=work.n_epochs,
            per_device_train_batch_size=work.batch_size,
            per_device_eval_batch_size=EVALUATION_BATCH_SIZE,
            learning_rate=4e-5,
            weight_decay=0.01,
            use_cpu=scale.device == "cpu",
            save_strategy="no",
            disable_tqdm=True,
            report_to="none",
            **arguments,
        ),
        train_dataset=work.problem.rows,
        eval_dataset=work.problem.rows,
        data_collator=default_data_collator,
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
