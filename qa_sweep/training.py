"""Training: Hugging Face's Trainer over windows held in memory, and our evaluation."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainingArguments

from qa_sweep import compiling
from qa_sweep.batches import Columns, RowOrder, real_token_share
from qa_sweep.checkpoints import Sealer, check, checkpoint_at, last_whole_checkpoint
from qa_sweep.config import SpeedConfig, TrainerConfig
from qa_sweep.device import autocast_dtype
from qa_sweep.errors import Diverged
from qa_sweep.evaluation import PAD_TO_MULTIPLE_OF, Evaluation
from qa_sweep.gpu import leave_masks_unread, set_tf32
from qa_sweep.model import Reader
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Windows
from qa_sweep.training_arguments import precision_of
from qa_sweep.training_callbacks import DivergenceWatch, EvaluationsWithinEpochs
from qa_sweep.window_tensors import Inputs, WindowTensors

log = logging.getLogger(__name__)


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
        speed: SpeedConfig,
        evaluate: Evaluate,
        max_length: int,
        callbacks: Sequence[TrainerCallback],
        keep: Keep | None = None,
    ) -> None:
        self._reader = reader
        self._held_out = held_out
        self._config = config
        self._evaluate_split = evaluate
        self._keep = keep
        self.divergence = DivergenceWatch(max_length)
        self._n_rows_of_step = 0
        self._autocast = autocast_dtype(precision_of(arguments))
        self._best: tuple[int, Evaluation] | None = None
        self.sealer = Sealer()
        self._lengths = train.windows.lengths
        self._row_order = RowOrder(
            self._lengths, config.batch_size, arguments.seed, by_length=config.group_by_length
        )
        columns = Columns(config.padding, max_length, PAD_TO_MULTIPLE_OF)
        widest = int(columns.of(self._lengths.max()))
        few_columns = Columns(config.padding, widest, compiling.PAD_TO_MULTIPLE_OF)
        self._compiled_loss = compiling.CompiledLoss(few_columns) if speed.compile else None
        self._computed_columns = few_columns if speed.compile else columns
        if arguments.device.type == "cuda":
            set_tf32(speed.tf32)
            leave_masks_unread()
        super().__init__(
            model=reader.model,
            args=arguments,
            train_dataset=WindowTensors(
                train.windows,
                columns,
                pad_id=reader.tokenizer.pad_token_id or 0,
                takes_token_types=reader.takes_token_types,
                device=arguments.device,
                on_device=speed.windows_on_device,
            ),
            eval_dataset=range(len(held_out.windows)),
            data_collator=_as_it_is,
            processing_class=reader.tokenizer,
            callbacks=[*callbacks, self._evaluations_within_epochs(), self.divergence],
        )
        for stock in ("PrinterCallback", "ProgressCallback"):  # we show progress ourselves
            self._remove_callback(stock)

    @property
    def real_token_share(self) -> float:
        """The share of tokens in the first epoch's batches as they are padded."""
        order, columns = self._row_order.of_epoch(0), self._computed_columns
        return real_token_share(self._lengths, order, self._config.batch_size, columns)

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
        n_steps = math.ceil(len(self._lengths) / self._config.batch_size)
        n_evaluations = self._config.evaluations_per_epoch
        return EvaluationsWithinEpochs(
            n_steps, {round(n_steps * i / n_evaluations) for i in range(1, n_evaluations)}
        )

    def _get_train_sampler(self, *_: Any) -> Sampler:
        return self._row_order

    def training_step(self, model: Any, inputs: Inputs, *_: Any) -> torch.Tensor:
        """Forward and backward of a step's windows, one device batch after the other.

        Not by the Trainer's own accumulation: each of its batches is padded by itself, but a
        model's loss counts padding among the wrong answers; and it takes the mean of the batches'
        means, though those of an epoch's last step may be of unlike size.
        """
        if not model.training:  # to set it anew walks over all modules
            model.train()
        self._n_rows_of_step = _n_rows(inputs)
        size = self._device_batch_size
        step_loss = torch.zeros((), device=self.args.device)
        for start in range(0, self._n_rows_of_step, size):
            part = {name: tensor[start : start + size] for name, tensor in inputs.items()}
            loss = self.compute_loss(model, part)
            self.accelerator.backward(loss)
            step_loss += loss.detach()
        self.divergence.see(step_loss)
        return step_loss

    def compute_loss(self, model: Any, inputs: Inputs, *_: Any, **__: Any) -> Any:
        """The loss of a device batch as its share in the mean over the step's windows."""
        return self._mean_loss(model, inputs) * (_n_rows(inputs) / self._n_rows_of_step)

    def _mean_loss(self, model: Any, inputs: Inputs) -> torch.Tensor:
        is_of_usual_size = _n_rows(inputs) == self._device_batch_size
        if self._compiled_loss is None or not is_of_usual_size:
            return super().compute_loss(model, inputs)
        dtype = self._autocast
        with torch.autocast(self.args.device.type, dtype=dtype, enabled=dtype is not None):
            return self._compiled_loss(model, inputs)

    @property
    def _device_batch_size(self) -> int:
        return self.args.train_batch_size // self._config.accumulation_steps

    def _save_checkpoint(self, *arguments: Any, **settings: Any) -> None:
        checkpoint = self._checkpoint_at(self.state.global_step)
        with self.sealer.sealing(checkpoint, self.state.best_global_step):
            super()._save_checkpoint(*arguments, **settings)

    def _load_best_model(self) -> None:
        """Raises ModelError where it is damaged."""
        assert self.state.best_global_step is not None
        best = self._checkpoint_at(self.state.best_global_step)
        self.sealer.wait()
        check(best)
        self.state.best_model_checkpoint = str(best)  # a folder that was moved has another name
        super()._load_best_model()

    def _checkpoint_at(self, step: int) -> Path:
        return checkpoint_at(Path(str(self.args.output_dir)), step)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """0: nobody reads the count, which costs a walk over all parameters in each step."""
        return 0

    def _remove_callback(self, name: str) -> None:
        handler = self.callback_handler
        handler.callbacks = [c for c in handler.callbacks if type(c).__name__ != name]


def train(trainer: ReaderTrainer) -> None:
    """Train to the end, from the last whole checkpoint where there is one; then load the best.

    Raises Diverged where the loss is no number, or has exploded.
    """
    checkpoint = last_whole_checkpoint(Path(str(trainer.args.output_dir)))
    log.info("%.1f %% of the cells of a batch are tokens", 100 * trainer.real_token_share)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        trainer.sealer.wait()
    if trainer.divergence.reason is not None:
        raise Diverged(
            f"{trainer.divergence.reason}; lower trainer.learning_rate, or raise trainer.warmup"
        )


def _n_rows(inputs: Inputs) -> int:
    return len(inputs["input_ids"])


def _as_it_is(batch: Inputs) -> Inputs:
    """What puts a batch together that is a batch already."""
    return batch
