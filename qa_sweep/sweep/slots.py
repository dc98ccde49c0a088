"""Device slots: which GPU, what share of it, and how many CPU threads each local worker gets."""

import os
from collections.abc import Mapping
from pathlib import Path

from qa_sweep.errors import ConfigError

AUTO = "auto"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREADS = "OMP_NUM_THREADS"
_GPU_SHARE = "QA_SWEEP_GPU_SHARE"  # absent where a worker has a GPU for itself


def count_workers(wanted: int | str, workers_per_gpu: int) -> int:
    """`auto` is a worker a GPU, or `workers_per_gpu` of them; one where there is none.

    Raises ConfigError for anything but `auto` or a number from 1.
    """
    if wanted == AUTO:
        return max(1, len(_gpus()) * workers_per_gpu)
    if not isinstance(wanted, int) or wanted < 1:
        raise ConfigError(
            f"hydra.sweeper.n_workers must be auto or at least 1, but got {wanted!r}; "
            "pass hydra.sweeper.n_workers=…"
        )
    return wanted


def slot_environment(index: int, n_workers: int) -> dict[str, str]:
    """The environment variables that give worker `index` its share of this machine."""
    environment = thread_environment(n_workers)
    gpus = _gpus()
    if gpus:
        place = index % len(gpus)
        environment[_VISIBLE] = gpus[place]
        n_sharing = len(range(place, n_workers, len(gpus)))
        if n_sharing > 1:
            environment[_GPU_SHARE] = str(1 / n_sharing)
    return environment


def thread_environment(n_workers: int) -> dict[str, str]:
    """The environment variable that gives each worker its share of the cores."""
    return {_THREADS: os.environ.get(_THREADS) or str(max(1, _n_cores() // n_workers))}


def gpu_share() -> float | None:
    """What part of its GPU's memory this worker may take; None where it has the GPU for itself."""
    told = os.environ.get(_GPU_SHARE)
    return None if told is None else float(told)


def _gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use, without asking a driver."""
    visible = environment.get(_VISIBLE)
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu and gpu != "-1"]
    devices = Path("/dev").glob("nvidia[0-9]*")
    return sorted(device.name.removeprefix("nvidia") for device in devices)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
