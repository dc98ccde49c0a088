"""Compiling: code that the models of a worker share."""

import copy
import gc
import math
import weakref

import pytest
import torch
from training_helpers import losses, make_trainer, sdpa_reader

from qa_sweep import compiling
from qa_sweep.config import EmbeddedData, Padding, Precision, SpeedConfig
from qa_sweep.errors import ConfigError
from qa_sweep.training import train

DATA = EmbeddedData(n_train=40, n_eval=8)  # an epoch's last batch is not full
ON = SpeedConfig(compile=True)


@pytest.fixture(autouse=True)
def _quick_compiler(monkeypatch):
    """Traced and differentiated as ever, but run as PyTorch's own operations."""
    monkeypatch.setattr(compiling, "_BACKEND", "aot_eager")
    torch._dynamo.reset()
    compiling._compiled.cache_clear()
    yield
    torch._dynamo.reset()
    compiling._compiled.cache_clear()


def n_graphs() -> int:
    """Graphs that were compiled in this process so far."""
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def test_the_next_trials_model_runs_what_was_compiled_for_the_first_which_left_memory(
    tmp_path,
) -> None:
    # In bf16 the Trainer wraps each model's forward pass anew.
    settings = {"epochs": 1, "precision": Precision.bf16, "padding": Padding.max_length}
    before, counts, models = n_graphs(), [], []
    for trial in range(2):
        trainer = make_trainer(
            tmp_path / str(trial), DATA, reader=sdpa_reader(DATA, seed=trial), speed=ON, **settings
        )
        train(trainer)
        counts.append(n_graphs() - before)
        models.append(weakref.ref(trainer.model))
        del trainer
        gc.collect()
    assert counts == [1, 1]
    assert [model() for model in models] == [None, None]


def test_compiled_training_has_few_widths_and_the_losses_of_plain_training(tmp_path) -> None:
    settings = {"reader": sdpa_reader(DATA), "batch_size": 14, "epochs": 1, "logging_steps": 1}
    plain = make_trainer(tmp_path / "plain", DATA, **settings)
    widths = {batch["input_ids"].shape[1] for batch in plain.get_train_dataloader()}
    before = copy.deepcopy(plain.model.state_dict())
    train(plain)
    plain.model.load_state_dict(before)
    n_before = n_graphs()
    compiled = make_trainer(tmp_path / "compiled", DATA, speed=ON, device_batch_size=7, **settings)
    train(compiled)
    assert losses(compiled) == pytest.approx(losses(plain), rel=1e-4)
    assert n_graphs() - n_before == len({math.ceil(width / 64) for width in widths}) < len(widths)


def test_without_a_compiler_compiling_is_refused_in_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CXX", "CC"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"speed.compile needs a C\+\+ compiler, .* leave"):
        make_trainer(tmp_path, DATA, speed=ON)
