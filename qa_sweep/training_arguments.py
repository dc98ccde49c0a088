"""Training arguments: our settings in the words of Hugging Face's Trainer."""

from pathlib import Path

import torch
from transformers import TrainingArguments

from qa_sweep.config import EvaluationConfig, Precision, TrainerConfig
from qa_sweep.run_files import CHECKPOINTS_FOLDER


def training_arguments(
    folder: Path,
    config: TrainerConfig,
    evaluation: EvaluationConfig,
    *,
    device: torch.device,
    precision: Precision,
    seed: int,
    fused_optimizer: bool,
) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(folder / CHECKPOINTS_FOLDER),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=evaluation.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup,
        lr_scheduler_type=config.scheduler.value,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch_fused" if fused_optimizer else "adamw_torch",
        bf16=precision is Precision.bf16,
        fp16=precision is Precision.fp16,
        use_cpu=device.type == "cpu",
        seed=seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model=config.best_metric.value,
        greater_is_better=config.best_metric.greater_is_better,
        logging_steps=config.logging_steps,
        logging_nan_inf_filter=False,  # it would hide a diverged run
        label_names=["start_positions", "end_positions"],
        remove_unused_columns=False,
        dataloader_pin_memory=False,  # batches come on the device
        disable_tqdm=True,
        report_to="none",
    )
    # Several GPUs would share each batch (DataParallel), and multiply its size; a run has one.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def precision_of(arguments: TrainingArguments) -> Precision:
    if arguments.bf16:
        return Precision.bf16
    return Precision.fp16 if arguments.fp16 else Precision.fp32
