"""Device: what a run computes on, with which arithmetic and how many threads."""

import ctypes
import os
import sys

import torch

from qa_sweep.config import Device, Precision, TrainerConfig
from qa_sweep.errors import ConfigError

_SMALL_MODEL_PARAMETERS = 1_000_000
_CONTEXT_BYTES = 768 * 2**20  # of a process on a GPU beside its tensors: CUDA's context and kernels

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def choose_device(config: TrainerConfig) -> torch.device:
    """The GPU where there is one, unless the settings say otherwise. Raises ConfigError."""
    has_gpu = torch.cuda.is_available()
    if config.device is Device.cuda and not has_gpu:
        raise ConfigError("trainer.device=cuda needs a GPU, but none was found; use device=auto")
    wants_gpu = has_gpu and config.device is not Device.cpu
    return torch.device("cuda" if wants_gpu else "cpu")


def choose_precision(config: TrainerConfig, device: torch.device) -> Precision:
    """bf16 or else fp16 on a GPU, fp32 on the CPU, unless the settings say otherwise.

    Raises ConfigError for fp16 on the CPU.
    """
    if config.precision is Precision.auto:
        if device.type == "cpu":
            return Precision.fp32
        return Precision.bf16 if torch.cuda.is_bf16_supported() else Precision.fp16
    if config.precision is Precision.fp16 and device.type == "cpu":
        raise ConfigError("trainer.precision=fp16 needs a GPU; use bf16 or fp32 on the CPU")
    return config.precision


def autocast_dtype(precision: Precision) -> torch.dtype | None:
    """What the forward pass is cast to; None for none."""
    return {Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}.get(precision)


def set_threads(config: TrainerConfig, n_parameters: int) -> int:
    """Set and return the number of CPU threads.

    A small model's operations are too short to share: the threads would wait for each other. A
    worker's share of the cores is in OMP_NUM_THREADS.
    """
    n_threads = config.n_threads
    if n_threads is None:
        n_threads = 1 if n_parameters < _SMALL_MODEL_PARAMETERS else _n_cores_to_use()
    torch.set_num_threads(n_threads)
    return n_threads


def keep_to_share(device: torch.device, share: float) -> None:
    """Have this process take no more than `share` of a GPU's memory, its context included.

    What asks for more is refused as where the GPU is full, so that a trial which is too large comes
    down to smaller batches, and not its neighbour.
    """
    n_bytes = torch.cuda.get_device_properties(device).total_memory
    # By its number: of a device without one it knows nothing, and None is the current one.
    torch.cuda.set_per_process_memory_fraction(tensor_share(share, n_bytes), device.index)


def tensor_share(share: float, n_bytes: int) -> float:
    """What a process's share of a GPU of `n_bytes` leaves for its tensors, as a share of the GPU.

    At least half of it: a GPU that is so small, or so much divided, cannot be divided well.
    """
    return max(share - _CONTEXT_BYTES / n_bytes, share / 2)


def keep_freed_memory() -> None:
    """Have the C library use the memory of large tensors again, which is for a CPU to compute on.

    glibc gives it back to the system with each tensor, and those of each step are mapped anew, page
    by page: a third of a step of 16 windows of 384 tokens. It holds until the process ends. Other C
    libraries are left as they are. Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 64 * 2**20)


def _n_cores_to_use() -> int:
    share = os.environ.get("OMP_NUM_THREADS", "")
    if share.isdecimal() and int(share) > 0:
        return int(share)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
