"""Device: what a run sets of the process that it runs in."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from qa_sweep import job
from qa_sweep.config import EmbeddedData, RunConfig, SpeedConfig, TinyModel, TrainerConfig

GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def done(monkeypatch) -> list[Any]:
    """What was done that cannot be taken back in this process, or needs a GPU."""
    calls: list[Any] = []
    monkeypatch.setattr(job, "keep_freed_memory", lambda: calls.append("freed memory is kept"))
    monkeypatch.setattr(job, "keep_to_share", lambda device, share: calls.append(share))
    return calls


def prepare(device: torch.device, **speed: bool) -> None:
    config = RunConfig(
        TinyModel(), EmbeddedData(), TrainerConfig(n_threads=1), speed=SpeedConfig(**speed)
    )
    job._prepare_device(config, device, SimpleNamespace(n_parameters=1))


def test_a_cpu_keeps_freed_memory_unless_it_is_switched_off(done) -> None:
    prepare(CPU, keep_freed_memory=False)
    prepare(GPU)
    assert done == []
    prepare(CPU)
    assert done == ["freed memory is kept"]


def test_a_worker_keeps_to_its_share_of_a_gpu_where_it_is_told_of_one(done, monkeypatch) -> None:
    prepare(GPU)
    monkeypatch.setenv("QA_SWEEP_GPU_SHARE", "0.25")
    prepare(CPU, keep_freed_memory=False)
    assert done == []
    prepare(GPU)
    assert done == [0.25]
