"""A step of the tiny model on the CPU: what of it is the model, and what is around it.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --steps 100 --rounds 9 --plain

The parts are timed on the same batches by one thread, by turns; `as trained` is a step of a real
training, from its beginning to that of the next. What the parts leave of it is the Trainer's loop,
its wrappers and the callbacks. Shown are medians over all steps of all rounds, in CPU time, which
on a busy machine says more than the clock.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from qa_sweep.config import (
    EmbeddedData,
    EvaluationConfig,
    Precision,
    SpeedConfig,
    TinyModel,
    TrainerConfig,
)
from qa_sweep.data import load_examples
from qa_sweep.evaluation import Evaluation
from qa_sweep.model import Reader, make_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.sweep.trial import TrialHandle
from qa_sweep.training import ReaderTrainer, Split
from qa_sweep.training_arguments import training_arguments
from qa_sweep.trial_callback import TrialCallback

PLAIN = SpeedConfig(windows_on_device=False, fused_optimizer=False)
BATCH_SIZE = 16
N_FIRST_STEPS = 5  # not counted

Seconds = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="with the switches of speed off")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speed = PLAIN if options.plain else SpeedConfig()
    rounds = [one_round(speed, options.steps) for _ in range(options.rounds)]
    for part in rounds[0]:
        seconds = [s for found in rounds for s in found[part]]
        print(f"{part:22} {1000 * statistics.median(seconds):7.2f} ms")


def one_round(speed: SpeedConfig, n_steps: int) -> Seconds:
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(Path(folder), speed, n_steps)
        found = seconds_of_parts(trainer, n_steps)
        laps = Laps()
        trainer = make_trainer(Path(folder), speed, n_steps)
        trainer.add_callback(laps)
        trainer.train()
    return {**found, "as trained": laps.seconds[N_FIRST_STEPS:]}


def make_trainer(folder: Path, speed: SpeedConfig, n_steps: int) -> ReaderTrainer:
    data = EmbeddedData(n_train=BATCH_SIZE * n_steps, n_eval=16)
    config = TrainerConfig(epochs=1, batch_size=BATCH_SIZE)
    prepared = prepare_splits(TinyModel(), data, load_examples(data))
    arguments = training_arguments(
        folder,
        config,
        EvaluationConfig(),
        device=torch.device("cpu"),
        precision=Precision.fp32,
        seed=0,
        fused_optimizer=speed.fused_optimizer,
    )
    arguments.eval_strategy = IntervalStrategy.NO
    arguments.save_strategy = SaveStrategy.NO
    arguments.load_best_model_at_end = False
    return ReaderTrainer(
        make_reader(TinyModel(), prepared.tokenizer, data.max_length, seed=0),
        prepared.train,
        prepared.held_out,
        arguments,
        config,
        speed,
        _no_evaluation,
        data.max_length,
        [TrialCallback(TrialHandle(), config.best_metric)],
    )


def seconds_of_parts(trainer: ReaderTrainer, n_steps: int) -> Seconds:
    model = trainer.model.train()
    optimizer = trainer.create_optimizer()
    batches = iter(trainer.get_train_dataloader())
    found: Seconds = {"batch": [], "forward and backward": [], "clipping": [], "optimizer": []}
    for step in range(n_steps):
        batch: dict[str, torch.Tensor] = {}
        parts: dict[str, Callable[[], Any]] = {
            "batch": lambda batch=batch: batch.update(next(batches)),
            "forward and backward": lambda batch=batch: model(**batch).loss.backward(),
            "clipping": lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0),
            "optimizer": optimizer.step,
        }
        for name, part in parts.items():
            started = time.process_time()
            part()
            if step >= N_FIRST_STEPS:
                found[name].append(time.process_time() - started)
        model.zero_grad()
    return found


class Laps(TrainerCallback):
    """The seconds from the beginning of each step to that of the next."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.process_time()
        if state.global_step > 0:
            self.seconds.append(now - self._began)
        self._began = now


def _no_evaluation(reader: Reader, split: Split, autocast: torch.dtype | None) -> Evaluation:
    raise AssertionError("a step is timed without evaluations")


if __name__ == "__main__":
    main()
