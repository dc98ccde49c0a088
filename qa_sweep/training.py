"""Training: Hugging Face's Trainer over windows held in memory, and our evaluation."""

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainingArguments

from qa_sweep.batches import Collator, LengthSampler
from qa_sweep.config import EvaluationConfig, Precision, TrainerConfig
from qa_sweep.device import autocast_dtype
from qa_sweep.errors import Diverged
from qa_sweep.evaluation import Evaluation
from qa_sweep.model import Reader
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Windows
from qa_sweep.training_callbacks import DivergenceWatch, EvaluationsWithinEpochs

_Inputs = dict[str, torch.Tensor]  # name -> (n_rows, …)

_WHOLE = "whole"  # file that is in a checkpoint once all of it is written


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their windows."""

    examples: Sequence[Example]
    windows: Windows


# Evaluates a reader on a split, its forward pass cast to a dtype or not.
Evaluate = Callable[[Reader, Split, torch.dtype | None], Evaluation]
# Takes the optimizer step and what was found there.
Keep = Callable[[int, Evaluation], None]


class ReaderTrainer(Trainer):
    """A Trainer whose data are windows and whose evaluation gives answers.

    `best` is the best evaluation that it made, by the metric of the settings.
    """

    control: TrainerControl

    def __init__(
        self,
        reader: Reader,
        train: Split,
        held_out: Split,
        arguments: TrainingArguments,
        config: TrainerConfig,
        evaluate: Evaluate,
        max_length: int,
        callbacks: Sequence[TrainerCallback],
        keep: Keep | None = None,
    ) -> None:
        self._reader = reader
        self._train_windows = train.windows
        self._held_out = held_out
        self._config = config
        self._evaluate_split = evaluate
        self._keep = keep
        self._n_rows_of_step = 0
        self._autocast = autocast_dtype(_precision_of(arguments))
        self._best: tuple[int, Evaluation] | None = None
        super().__init__(
            model=reader.model,
            args=arguments,
            train_dataset=range(len(train.windows)),
            eval_dataset=range(len(held_out.windows)),
            data_collator=Collator(reader, train.windows, config.padding, max_length),
            processing_class=reader.tokenizer,
            callbacks=[*callbacks, self._evaluations_within_epochs()],
        )
        for stock in ("PrinterCallback", "ProgressCallback"):  # we show progress ourselves
            self._remove_callback(stock)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Evaluate the held-out split; called by the Trainer after each epoch."""
        evaluation = self.evaluate_now()
        step = self.state.global_step
        if self._best is None or self._is_better(evaluation, self._best[1]):
            self._best = step, evaluation
        if self._keep is not None:
            self._keep(step, evaluation)
        metrics = {f"{metric_key_prefix}_{k}": v for k, v in evaluation.metrics.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def evaluate_now(self) -> Evaluation:
        """What the model as it is now makes of the held-out split."""
        return self._evaluate_split(self._reader, self._held_out, self._autocast)

    @property
    def best(self) -> Evaluation:
        """The best evaluation, made again where an earlier process made it."""
        if self._best is None or self._best[0] != self.state.best_global_step:
            return self.evaluate_now()
        return self._best[1]

    def _is_better(self, evaluation: Evaluation, than: Evaluation) -> bool:
        metric = self._config.best_metric
        sign = 1 if metric.greater_is_better else -1
        return sign * evaluation.metrics[metric.value] > sign * than.metrics[metric.value]

    def _evaluations_within_epochs(self) -> TrainerCallback:
        n_steps = math.ceil(len(self._train_windows) / self._config.batch_size)
        n_evaluations = self._config.evaluations_per_epoch
        return EvaluationsWithinEpochs(
            n_steps, {round(n_steps * i / n_evaluations) for i in range(1, n_evaluations)}
        )

    def _get_train_sampler(self, *arguments: Any) -> Sampler | None:
        if not self._config.group_by_length:
            return super()._get_train_sampler(*arguments)
        return LengthSampler(self._train_windows, self.args.train_batch_size, self.args.seed)

    def training_step(self, model: Any, inputs: _Inputs, *_: Any) -> torch.Tensor:
        """Forward and backward of a step's windows, one device batch after the other.

        Not by the Trainer's own accumulation: each of its batches is padded by itself, but a
        model's loss counts padding among the wrong answers; and it takes the mean of the batches'
        means, though those of an epoch's last step may be of unlike size.
        """
        self._n_rows_of_step = _n_rows(inputs)
        size = self.args.train_batch_size // self._config.accumulation_steps
        loss = torch.zeros((), device=self.args.device)
        for start in range(0, self._n_rows_of_step, size):
            part = {name: tensor[start : start + size] for name, tensor in inputs.items()}
            loss += super().training_step(model, part)
        return loss

    def compute_loss(self, model: Any, inputs: _Inputs, *_: Any, **__: Any) -> Any:
        """The loss of a device batch as its share in the mean over the step's windows."""
        return super().compute_loss(model, inputs) * (_n_rows(inputs) / self._n_rows_of_step)

    def _save_checkpoint(self, *arguments: Any, **settings: Any) -> None:
        super()._save_checkpoint(*arguments, **settings)
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        (folder / _WHOLE).touch()

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """0: nobody reads the count, which costs a walk over all parameters in each step."""
        return 0

    def _remove_callback(self, name: str) -> None:
        handler = self.callback_handler
        handler.callbacks = [c for c in handler.callbacks if type(c).__name__ != name]


def training_arguments(
    folder: Path,
    config: TrainerConfig,
    evaluation: EvaluationConfig,
    *,
    device: torch.device,
    precision: Precision,
    seed: int,
) -> TrainingArguments:
    """Our settings in the Trainer's names."""
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=evaluation.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup,
        lr_scheduler_type=config.scheduler.value,
        max_grad_norm=config.max_grad_norm,
        bf16=precision is Precision.bf16,
        fp16=precision is Precision.fp16,
        use_cpu=device.type == "cpu",
        seed=seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,  # the best and the last: what is needed to end, and to go on
        load_best_model_at_end=True,
        metric_for_best_model=config.best_metric.value,
        greater_is_better=config.best_metric.greater_is_better,
        logging_steps=config.logging_steps,
        logging_nan_inf_filter=False,  # it would hide a diverged run
        label_names=["start_positions", "end_positions"],
        remove_unused_columns=False,
        dataloader_pin_memory=device.type == "cuda",
        disable_tqdm=True,
        report_to="none",
    )


def train(trainer: ReaderTrainer) -> None:
    """Train to the end, from the last whole checkpoint where there is one; then load the best.

    Raises Diverged where the loss is no longer a finite number.
    """
    checkpoint = last_whole_checkpoint(Path(str(trainer.args.output_dir)))
    watch = DivergenceWatch()
    trainer.add_callback(watch)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watch.diverged_at is not None:
        raise Diverged(
            f"the loss was {watch.loss} at step {watch.diverged_at}; "
            "lower trainer.learning_rate, or raise trainer.warmup"
        )


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that was written to its end; those that were not are removed."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    whole = [path for path in checkpoints if (path / _WHOLE).exists()]
    for path in set(checkpoints) - set(whole):
        shutil.rmtree(path)
    return whole[-1] if whole else None


def remove_checkpoints(trainer: ReaderTrainer) -> None:
    shutil.rmtree(str(trainer.args.output_dir), ignore_errors=True)


def _precision_of(arguments: TrainingArguments) -> Precision:
    if arguments.bf16:
        return Precision.bf16
    return Precision.fp16 if arguments.fp16 else Precision.fp32


def _n_rows(inputs: _Inputs) -> int:
    return len(inputs["input_ids"])
