"""Device slots: which GPU and how many CPU threads each worker of this machine gets."""

import os
from collections.abc import Mapping
from pathlib import Path

from qa_sweep.errors import ConfigError

AUTO = "auto"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREADS = "OMP_NUM_THREADS"


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
    environment = {_THREADS: os.environ.get(_THREADS) or str(max(1, _n_cores() // n_workers))}
    gpus = _gpus()
    if gpus:
        environment[_VISIBLE] = gpus[index % len(gpus)]
    return environment


def _gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use, without asking a driver."""
    visible = environment.get(_VISIBLE)
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu and gpu != "-1"]
    devices = Path("/dev").glob("nvidia[0-9]*")
    return sorted(device.name.removeprefix("nvidia") for device in devices)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
