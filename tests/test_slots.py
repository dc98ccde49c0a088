"""Device slots: what each local worker is told of its share of the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.device import tensor_share
from qa_sweep.sweep.slots import count_workers, gpu_share, slot_environment

GIB = 2**30


@pytest.fixture
def two_gpus(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")


def slots(n_workers: int) -> list[tuple[str, str | None]]:
    """The GPU of each worker, and what part of it."""
    told = [slot_environment(index, n_workers) for index in range(n_workers)]
    return [(each["CUDA_VISIBLE_DEVICES"], each.get("QA_SWEEP_GPU_SHARE")) for each in told]


def test_workers_take_turns_with_the_gpus_and_share_them_evenly(two_gpus) -> None:
    assert count_workers("auto", workers_per_gpu=2) == 4
    assert slots(4) == [("3", "0.5"), ("5", "0.5"), ("3", "0.5"), ("5", "0.5")]


def test_who_has_a_gpu_for_itself_is_told_of_no_share(two_gpus) -> None:
    assert slots(2) == [("3", None), ("5", None)]
    assert slots(3) == [("3", "0.5"), ("5", None), ("3", "0.5")]


def test_workers_of_a_machine_without_a_gpu_are_told_of_none(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not {"CUDA_VISIBLE_DEVICES", "QA_SWEEP_GPU_SHARE"} & slot_environment(0, 2).keys()


def test_a_worker_reads_the_share_that_it_is_told(two_gpus, monkeypatch) -> None:
    assert gpu_share() is None
    monkeypatch.setenv("QA_SWEEP_GPU_SHARE", slot_environment(1, 6)["QA_SWEEP_GPU_SHARE"])
    assert gpu_share() == pytest.approx(1 / 3)


@given(n_workers=st.integers(2, 16), gib=st.floats(1, 200))
def test_tensors_and_contexts_of_all_workers_fit_into_a_gpu_that_is_large_enough(
    n_workers, gib
) -> None:
    share = tensor_share(1 / n_workers, int(gib * GIB))
    assert 0 < share < 1 / n_workers
    if gib > 1.5 * n_workers:
        assert n_workers * (share * gib + 0.75) <= gib + 1e-6
