"""Arithmetic: how much of it a training does, and how much a device can do.

A weight of a matrix product costs 2 operations a token forwards and 4 backwards; the products of
queries with keys, and of their weights with values, cost 4 × width operations a pair of tokens
forwards and twice that backwards. Embeddings, softmax, norms and the optimizer do not count.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.modeling_utils import PreTrainedModel

# Operations a second in bf16, dense, as the vendor's data sheets say; the first name that fits.
PEAKS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
}

FORMULA = "6 × weights × tokens + 12 × layers × width × sum of squared lengths"

_N_PRODUCTS, _PRODUCT_SIZE = 10, 8192


def n_operations(model: PreTrainedModel, lengths: NDArray[np.int64]) -> float:
    """What training on windows of these lengths once takes, by the formula."""
    linear = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    n_weights = sum(module.weight.numel() for module in linear)
    config = model.config
    n_pairs = float((lengths.astype(float) ** 2).sum())
    attention = 12 * config.num_hidden_layers * config.hidden_size * n_pairs
    return 6.0 * n_weights * float(lengths.sum()) + attention


def peak_of(device_name: str) -> float | None:
    """Operations a second of the device in bf16; None where it is not in the table."""
    return next((peak for name, peak in PEAKS.items() if name in device_name), None)


def measured_peak() -> float | None:
    """Operations a second of large bf16 matrix products on random data; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    a, b = (
        torch.randn(_PRODUCT_SIZE, _PRODUCT_SIZE, device="cuda", dtype=torch.bfloat16)
        for _ in range(2)
    )
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(3):
        a @ b
    begin.record()
    for _ in range(_N_PRODUCTS):
        a @ b
    end.record()
    end.synchronize()
    seconds = begin.elapsed_time(end) / 1000
    return _N_PRODUCTS * 2 * _PRODUCT_SIZE**3 / seconds
