"""A real Trainer on a real, tiny model."""

from pathlib import Path

import torch

from qa_sweep.config import EmbeddedData, EvaluationConfig, TinyModel, TrainerConfig
from qa_sweep.data import load_examples
from qa_sweep.device import choose_precision
from qa_sweep.evaluation import evaluate
from qa_sweep.model import make_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.training import ReaderTrainer, training_arguments

DATA = EmbeddedData(n_train=256, n_eval=64)
MODEL = TinyModel(vocabulary_size=300)
EVALUATION = EvaluationConfig()


def make_trainer(folder: Path, data: EmbeddedData = DATA, **settings) -> ReaderTrainer:
    config = TrainerConfig(**{"epochs": 2, "logging_steps": 4, **settings})
    torch.set_num_threads(1)
    prepared = prepare_splits(MODEL, data, load_examples(data))
    reader = make_reader(MODEL, prepared.tokenizer, data.max_length, seed=1)
    arguments = training_arguments(
        folder,
        config,
        EVALUATION,
        device=torch.device("cpu"),
        precision=choose_precision(config, torch.device("cpu")),
        seed=1,
    )
    return ReaderTrainer(
        reader,
        prepared.train,
        prepared.held_out,
        arguments,
        config,
        lambda reader, split, autocast: evaluate(
            reader, split.windows, split.examples, EVALUATION, autocast
        ),
        data.max_length,
        callbacks=[],
    )


def losses(trainer: ReaderTrainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
