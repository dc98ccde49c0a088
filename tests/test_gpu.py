"""What is done otherwise for a GPU, tried on the CPU."""

import pytest
import torch
from training_helpers import make_trainer
from transformers import AttentionMaskInterface, AutoConfig, AutoModelForQuestionAnswering
from waiting import Waits, WaitsOfSteps

from qa_sweep import gpu
from qa_sweep.gpu import leave_masks_unread, set_tf32
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


def test_a_step_waits_for_the_gpu_only_to_log(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "_is_far", lambda mask: True)
    leave_masks_unread()
    waits = WaitsOfSteps()
    trainer = make_trainer(tmp_path, epochs=1, logging_steps=5)
    trainer.add_callback(waits)
    train(trainer)
    waited = {step for step, counts in waits.of_step.items() if counts}
    assert len(waits.of_step) >= 11
    assert waited == {step for step in waits.of_step if step % 5 == 0}


def test_tf32_can_be_switched_to_and_fro() -> None:
    before = torch.backends.cuda.matmul.fp32_precision
    try:
        for is_wanted in (True, False, True):
            set_tf32(is_wanted)
            assert (torch.backends.cuda.matmul.fp32_precision == "tf32") is is_wanted
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
