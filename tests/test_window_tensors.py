"""Window tensors: batches put together on the device."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qa_sweep import window_tensors
from qa_sweep.batches import Columns
from qa_sweep.config import Padding
from qa_sweep.evaluation import model_input
from qa_sweep.qa.windows import Windows, pad_windows
from qa_sweep.window_tensors import WindowTensors

MAX_LENGTH, MULTIPLE_OF, PAD_ID = 24, 8, 7
CPU = torch.device("cpu")


@st.composite
def some_windows(draw) -> Windows:
    lengths = np.array(draw(st.lists(st.integers(1, MAX_LENGTH), min_size=1, max_size=12)))
    n_windows, n_tokens = len(lengths), int(lengths.sum())
    labels = np.array([draw(st.integers(0, length - 1)) for length in lengths], np.int32)
    return Windows(
        input_ids=draw(arrays.arrays(np.int32, n_tokens, elements=st.integers(0, 50_000))),
        token_types=draw(arrays.arrays(np.int8, n_tokens, elements=st.integers(0, 2))),
        offsets=np.zeros((n_tokens, 2), np.int32),
        row_starts=np.concatenate(([0], np.cumsum(lengths))),
        example_index=np.arange(n_windows, dtype=np.int32),
        cls_index=np.zeros(n_windows, np.int32),
        start_labels=labels,
        end_labels=np.minimum(labels + 1, lengths - 1).astype(np.int32),
    )


def tensors(
    windows: Windows,
    padding: Padding = Padding.longest,
    takes_token_types: bool = True,
    device: torch.device = CPU,
) -> WindowTensors:
    return WindowTensors(
        windows,
        Columns(padding, MAX_LENGTH, MULTIPLE_OF),
        pad_id=PAD_ID,
        takes_token_types=takes_token_types,
        device=device,
        on_device=True,
    )


@given(
    windows=some_windows(),
    padding=st.sampled_from(Padding),
    takes_token_types=st.booleans(),
    data=st.data(),
)
def test_a_batch_is_what_padding_its_windows_gives(
    windows, padding, takes_token_types, data
) -> None:
    rows = data.draw(st.lists(st.integers(0, len(windows) - 1), min_size=1, max_size=8))
    to_length = MAX_LENGTH if padding is Padding.max_length else None
    padded = pad_windows(windows, rows, PAD_ID, multiple_of=MULTIPLE_OF, to_length=to_length)
    expected = model_input(padded, takes_token_types)
    batch = tensors(windows, padding, takes_token_types).__getitems__(rows)
    assert batch.keys() == expected.keys()
    for name, tensor in expected.items():
        assert batch[name].dtype == tensor.dtype == torch.int64
        assert torch.equal(batch[name], tensor), name


@given(windows=some_windows())
def test_the_host_puts_a_batch_together_without_reading_the_devices_memory(windows) -> None:
    # The meta device has no memory: whoever reads a tensor's values there gets an error.
    there = tensors(windows, device=torch.device("meta"))
    rows = list(range(len(windows)))
    batch = there.__getitems__(rows)
    here = tensors(windows).__getitems__(rows)
    for name, tensor in batch.items():
        assert tensor.is_meta
        assert tensor.shape == here[name].shape


@pytest.mark.parametrize("n_bytes_free", [1000, 4000])
def test_windows_lie_on_a_gpu_if_they_take_a_tenth_of_what_is_free(
    n_bytes_free, monkeypatch
) -> None:
    monkeypatch.setattr(window_tensors, "free_bytes", lambda device: n_bytes_free)
    gpu = torch.device("cuda")
    assert window_tensors._has_room(gpu, n_bytes_free // 10)
    assert not window_tensors._has_room(gpu, n_bytes_free // 10 + 1)
    assert window_tensors._has_room(CPU, 10**15)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("on_device", [False, True])
def test_a_gpu_gets_the_batches_of_the_cpu(on_device) -> None:
    windows = some_windows().example()
    there = WindowTensors(
        windows,
        Columns(Padding.longest, MAX_LENGTH, MULTIPLE_OF),
        pad_id=PAD_ID,
        takes_token_types=True,
        device=torch.device("cuda"),
        on_device=on_device,
    )
    batch, expected = there.__getitems__([0]), tensors(windows).__getitems__([0])
    for name, tensor in expected.items():
        assert batch[name].is_cuda
        assert torch.equal(batch[name].cpu(), tensor)
