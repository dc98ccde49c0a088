"""A real Trainer on a real, tiny model."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForQuestionAnswering

from qa_sweep.config import (
    EmbeddedData,
    EvaluationConfig,
    SpeedConfig,
    TinyModel,
    TrainerConfig,
)
from qa_sweep.data import load_examples
from qa_sweep.device import choose_precision
from qa_sweep.evaluation import evaluate
from qa_sweep.model import Reader, make_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.tiny import N_TOKEN_TYPES
from qa_sweep.training import ReaderTrainer
from qa_sweep.training_arguments import training_arguments

DATA = EmbeddedData(n_train=256, n_eval=64)
MODEL = TinyModel(vocabulary_size=300)
EVALUATION = EvaluationConfig()


def make_trainer(
    folder: Path,
    data: EmbeddedData = DATA,
    *,
    speed: SpeedConfig | None = None,
    reader: Reader | None = None,
    **settings,
) -> ReaderTrainer:
    config = TrainerConfig(**{"epochs": 2, "logging_steps": 4, **settings})
    speed = speed or SpeedConfig()
    torch.set_num_threads(1)
    prepared = prepare_splits(MODEL, data, load_examples(data))
    reader = reader or make_reader(MODEL, prepared.tokenizer, data.max_length, seed=1)
    arguments = training_arguments(
        folder,
        config,
        EVALUATION,
        device=torch.device("cpu"),
        precision=choose_precision(config, torch.device("cpu")),
        seed=1,
        fused_optimizer=speed.fused_optimizer,
    )
    return ReaderTrainer(
        reader,
        prepared.train,
        prepared.held_out,
        arguments,
        config,
        speed,
        lambda reader, split, autocast: evaluate(
            reader, split.windows, split.examples, EVALUATION, autocast
        ),
        data.max_length,
        callbacks=[],
    )


def sdpa_reader(data: EmbeddedData = DATA, seed: int = 1) -> Reader:
    """A tiny BERT, which has PyTorch's attention; the tiny reader has none but its own."""
    tokenizer = prepare_splits(MODEL, data, load_examples(data)).tokenizer
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        type_vocab_size=N_TOKEN_TYPES,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return Reader(BertForQuestionAnswering(config), tokenizer)


def losses(trainer: ReaderTrainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
