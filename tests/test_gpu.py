"""What is done otherwise for a GPU, tried on the CPU."""

import pytest
import torch
from training_helpers import make_trainer
from transformers import AttentionMaskInterface, AutoConfig, AutoModelForQuestionAnswering
from waiting import Waits, WaitsOfSteps

from qa_sweep import gpu, training_callbacks
from qa_sweep.gpu import free_bytes, leave_masks_unread, set_tf32
from qa_sweep.training import train

FAMILIES = [
    "albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet", "roberta",
    "roformer",
]  # fmt: skip
SMALL = {
    "vocab_size": 100,
    "hidden_size": 32,
    "embedding_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
DISTILBERT = {"vocab_size": 100, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}


def small_model(family: str) -> torch.nn.Module:
    settings = DISTILBERT if family == "distilbert" else SMALL
    config = AutoConfig.for_model(family, **settings)
    config.pad_token_id = config.bos_token_id = config.eos_token_id = 0
    return AutoModelForQuestionAnswering.from_config(config)


def batch(n_padding: int) -> dict[str, torch.Tensor]:
    mask = torch.ones(3, 16, dtype=torch.long)
    mask[0, 16 - n_padding :] = 0
    labels = torch.tensor([1, 2, 3])
    return {
        "input_ids": torch.randint(1, 100, (3, 16)),
        "attention_mask": mask,
        "start_positions": labels,
        "end_positions": labels,
    }


@pytest.fixture(autouse=True)
def _stock_masks():
    stock = dict(AttentionMaskInterface._global_mapping)
    yield
    AttentionMaskInterface._global_mapping.update(stock)


def passes(model: torch.nn.Module) -> None:
    """Forward and backward on a device without memory: who reads a value there gets an error."""
    inputs = {name: tensor.to("meta") for name, tensor in batch(n_padding=4).items()}
    model.to("meta").train()(**inputs).loss.backward()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_models_passes_do_not_wait_for_the_gpu(family) -> None:
    leave_masks_unread()
    passes(small_model(family))


@pytest.mark.parametrize("family", ["bert", "roformer"])  # PyTorch's attention, and its own
def test_with_the_stock_masks_they_do_wait(family) -> None:
    with pytest.raises(RuntimeError, match="meta"):
        passes(small_model(family))


@pytest.mark.parametrize("family", ["bert", "roformer"])
@pytest.mark.parametrize("n_padding", [0, 4])
def test_an_unread_mask_masks_the_same(family, n_padding, monkeypatch) -> None:
    model, inputs = small_model(family).eval(), batch(n_padding)
    stock = model(**inputs).start_logits
    monkeypatch.setattr(gpu, "_is_far", lambda mask: True)
    leave_masks_unread()
    torch.testing.assert_close(model(**inputs).start_logits, stock)


def test_on_the_cpu_the_stock_masks_stay() -> None:
    model = small_model("bert")
    leave_masks_unread()
    with Waits() as waits:
        model(**batch(n_padding=4))
    assert waits.counts == {"aten::_local_scalar_dense": 1}


def test_a_step_waits_for_the_gpu_only_to_log_and_at_an_epochs_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "_is_far", lambda mask: True)
    # A loss that has not arrived is not waited for, and on a GPU one has seldom at once.
    monkeypatch.setattr(training_callbacks._Arriving, "is_there", False)
    leave_masks_unread()
    waits = WaitsOfSteps()
    trainer = make_trainer(tmp_path, epochs=1, logging_steps=5)
    trainer.add_callback(waits)
    train(trainer)
    waited = {step for step, counts in waits.of_step.items() if counts}
    assert len(waits.of_step) >= 11
    last = max(waits.of_step)
    assert waited == {step for step in waits.of_step if step % 5 == 0} | {last}


def test_tf32_can_be_switched_to_and_fro_and_all_readers_of_it_agree() -> None:
    matmul = torch.backends.cuda.matmul
    try:
        for is_wanted in (True, False, True):
            set_tf32(is_wanted)
            assert (matmul.fp32_precision == "tf32") is is_wanted
            assert matmul.allow_tf32 is is_wanted  # which raises where it was set otherwise
    finally:
        torch.set_float32_matmul_precision("highest")


def memory(monkeypatch, free: int, taken: int, kept: int, share: float) -> None:
    """Have a GPU of 4,000 bytes say so, of all processes and of this one, with its `share`."""
    stats = {
        "mem_get_info": lambda device: (free, 4000),
        "memory_allocated": lambda device: taken,
        "memory_reserved": lambda device: taken + kept,
        "get_per_process_memory_fraction": lambda index: {None: share}[index],
    }
    for name, stat in stats.items():
        assert hasattr(torch.cuda, name)
        monkeypatch.setattr(torch.cuda, name, stat)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"free": 3000, "taken": 0, "kept": 0, "share": 1.0}, 3000),
        ({"free": 3000, "taken": 0, "kept": 0, "share": 0.25}, 1000),
        ({"free": 3000, "taken": 400, "kept": 0, "share": 0.25}, 600),
        ({"free": 500, "taken": 0, "kept": 0, "share": 0.25}, 500),
        ({"free": 500, "taken": 100, "kept": 300, "share": 0.25}, 800),
    ],
    ids=["all of it", "a share", "part of the share is taken", "others took more", "kept"],
)
def test_what_is_free_of_a_gpu_is_what_this_process_may_still_take(
    found, expected, monkeypatch
) -> None:
    memory(monkeypatch, **found)
    assert free_bytes(torch.device("cuda")) == expected
