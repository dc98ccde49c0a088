"""Memory: a real job on a device that is too small for its batch."""

import gc
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, environment
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from small_device import Failure, SmallDeviceReader, save_model
from training_helpers import make_trainer

from qa_sweep import job
from qa_sweep.config import (
    EmbeddedData,
    EvaluationConfig,
    Precision,
    PretrainedModel,
    RunConfig,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.memory import DeviceBatch
from qa_sweep.sweep.trial import Infeasible, TrialHandle
from qa_sweep.tracking import read_runs
from qa_sweep.training import train

DATA = EmbeddedData(n_train=62, n_eval=16)  # the last batch of eight or sixteen is not full
N_TRAIN, N_EVAL, N_EPOCHS = 62, 16, 2
FOUND = {"device_batch_size": 4, "accumulation_steps": 4}


@pytest.fixture(autouse=True, scope="module")
def _frozen_imports() -> Iterator[None]:
    """As a worker does it: memory is then freed in milliseconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Job:
    """A run in a folder of its own, on a device with given limits."""

    def __init__(self, folder: Path, handle: TrialHandle | None = None, **limits: Any) -> None:
        self.folder = folder
        self.handle = handle or TrialHandle()
        self._model = save_model(folder / "given", DATA, **limits)

    def run(self, *, tracker: Tracker = Tracker.off, **settings: Any) -> dict[str, float]:
        _forget()
        trainer = {"batch_size": 16, "epochs": N_EPOCHS, "logging_steps": 1, **settings}
        config = RunConfig(
            model=PretrainedModel(name="small", path=str(self._model)),
            data=DATA,
            trainer=TrainerConfig(**trainer),
            evaluation=EvaluationConfig(batch_size=N_EVAL),
            tracking=TrackingConfig(tracker=tracker, repo=str(self.folder)),
        )
        return job.run(config, self.folder / "run", self.handle)

    @property
    def attributes(self) -> dict[str, Any]:
        names = ("device_batch_size", "accumulation_steps", "evaluation_batch_size")
        found = {name: self.handle.attribute(name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def evaluations(self) -> list[float]:
        """The loss of each."""
        result = json.loads((self.folder / "run" / "result.json").read_text())
        return [evaluation["eval_loss"] for evaluation in result["evaluations"]]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "run" / "model" / "model.safetensors")


def _forget() -> None:
    """Start anew, with no such reader in memory."""
    gc.collect()
    for counted in ("births", "passes", "evaluation_passes"):
        getattr(SmallDeviceReader, counted).clear()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@given(whole=st.integers(1, 500), smallest=st.integers(1, 20))
def test_halving_keeps_parts_equal_and_ends_at_the_smallest(whole, smallest) -> None:
    batch: DeviceBatch | None = DeviceBatch(whole, whole)
    sizes = []
    while batch is not None:
        assert batch.size * batch.n_parts == whole
        sizes.append(batch.size)
        batch = batch.halved(smallest)
    assert sizes == sorted(set(sizes), reverse=True)
    divisors = [size for size in range(smallest, whole) if whole % size == 0]
    assert sizes[-1] == (divisors or [whole])[0]


@pytest.mark.parametrize(
    ("whole", "sizes"),
    [(16, [8, 4, 2, 1]), (5, [1]), (6, [3, 2, 1]), (15, [5, 3, 1]), (12, [6, 3, 2, 1]), (1, [])],
)
def test_an_odd_batch_goes_down_to_the_next_divisor(whole, sizes) -> None:
    batch, found = DeviceBatch(whole, whole), []
    while (smaller := batch.halved()) is not None:
        batch = smaller
        found.append(batch.size)
    assert found == sizes


@pytest.mark.parametrize(("device_batch_size", "group_by_length"), [(4, False), (2, True)])
def test_a_divided_batch_trains_to_the_same_weights(
    tmp_path, device_batch_size, group_by_length
) -> None:
    def trained(folder: str, **settings: Any) -> tuple[dict[str, torch.Tensor], list[dict]]:
        trainer = make_trainer(
            tmp_path / folder, DATA, batch_size=8, group_by_length=group_by_length, **settings
        )
        # In single precision the optimizer makes as much of rounding as of small gradients.
        trainer.model.double()
        train(trainer)
        return dict(trainer.model.named_parameters()), trainer.state.log_history

    whole, log_of_whole = trained("whole")
    divided, log_of_divided = trained("divided", device_batch_size=device_batch_size)
    for name, weights in whole.items():
        torch.testing.assert_close(divided[name], weights, rtol=0, atol=1e-8, msg=name)
    for entry, other in zip(log_of_whole[:-1], log_of_divided[:-1], strict=True):  # last: timing
        assert other == pytest.approx(entry, rel=1e-5)


@pytest.mark.parametrize("failure", [Failure.cuda, Failure.cpu])
def test_out_of_memory_halves_the_device_batch_and_nothing_else(tmp_path, failure, caplog) -> None:
    small = Job(tmp_path / "small", fit_training=4, failure=failure.value)
    metrics = small.run()
    assert small.attributes == FOUND
    assert set(SmallDeviceReader.passes) == {4, 2}
    assert [line.split(" (")[0] for line in warnings(caplog)] == [
        "training ran out of memory with 16 windows at once",
        "training ran out of memory with 8 windows at once",
    ]

    ample = Job(tmp_path / "ample")
    assert ample.run(device_batch_size=4) == metrics
    assert ample.attributes == {}
    for name, weights in ample.weights.items():
        assert torch.equal(small.weights[name], weights), name


def test_a_model_that_did_not_fit_leaves_memory_before_the_next_is_made(tmp_path) -> None:
    small = Job(tmp_path, fit_training=4)
    gc.disable()  # what is freed is freed on purpose
    try:
        small.run(precision=Precision.bf16)  # its casts tie the model into cycles
    finally:
        gc.enable()
    assert SmallDeviceReader.births == [0, 0, 0]


@pytest.mark.parametrize("group_by_length", [False, True])
def test_training_goes_on_from_the_last_whole_checkpoint(tmp_path, group_by_length) -> None:
    # The device fills up in the second epoch's second step.
    small = Job(tmp_path / "small", fit_training=4, full_from=5)
    small.run(group_by_length=group_by_length)
    first_epoch, lost, second_epoch = [16, 16, 16, 14], [16], [4] * 15 + [2]
    assert SmallDeviceReader.passes == first_epoch + lost + second_epoch
    assert small.attributes == FOUND
    ample = Job(tmp_path / "ample")
    ample.run(group_by_length=group_by_length)
    assert small.evaluations == pytest.approx(ample.evaluations, rel=1e-4)


def test_a_continued_trial_starts_with_the_batches_that_it_found(tmp_path, caplog) -> None:
    handle = TrialHandle()
    for name, value in {**FOUND, "evaluation_batch_size": 2}.items():
        handle.set_attribute(name, value)
    again = Job(tmp_path, handle, fit_training=4, fit_evaluation=2)
    again.run()
    assert warnings(caplog) == []
    assert sum(SmallDeviceReader.passes) == N_EPOCHS * N_TRAIN
    assert max(SmallDeviceReader.evaluation_passes) == 2


def test_out_of_memory_in_evaluation_halves_its_batch_and_trains_on(tmp_path, caplog) -> None:
    small = Job(tmp_path / "small", fit_evaluation=5)
    metrics = small.run()
    assert SmallDeviceReader.passes == [16, 16, 16, 14] * N_EPOCHS
    assert small.attributes == {"evaluation_batch_size": 4}
    assert len(warnings(caplog)) == 2
    assert all("evaluation ran out of memory" in line for line in warnings(caplog))

    ample = Job(tmp_path / "ample").run()
    assert (metrics["f1"], metrics["exact_match"]) == (ample["f1"], ample["exact_match"])
    assert metrics["loss"] == pytest.approx(ample["loss"], rel=1e-2)


def test_the_tracker_shows_the_device_batch(tmp_path) -> None:
    small = Job(tmp_path, fit_training=4)
    small.run(tracker=Tracker.aim)
    (tracked,) = read_runs(str(tmp_path))
    hparams = tracked.params["hparams"]
    assert hparams["batch_size"] == 16
    assert {name: hparams[name] for name in FOUND} == FOUND


@pytest.mark.parametrize(
    ("limits", "settings", "message"),
    [
        ({"fit_training": 0}, {}, r"training must fit.* with 1 windows.*CUDA.*data.max_length"),
        ({"fit_evaluation": 0}, {}, r"evaluation must fit.* with 1 windows at once"),
        (
            {"fit_training": 3},
            {"smallest_device_batch": 4},
            r"training must fit.* with 4 windows.*trainer.smallest_device_batch",
        ),
    ],
)
def test_what_does_not_fit_at_all_is_infeasible(tmp_path, limits, settings, message) -> None:
    small = Job(tmp_path, **limits)
    with pytest.raises(Infeasible, match=message) as caught:
        small.run(**settings)
    assert "\n" not in str(caught.value)


def test_an_infeasible_training_holds_no_memory_and_its_aim_run_failed(tmp_path) -> None:
    with pytest.raises(Infeasible) as caught:
        Job(tmp_path, fit_training=0).run(tracker=Tracker.aim)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert len(SmallDeviceReader.alive) == 0
    (tracked,) = read_runs(str(tmp_path))
    assert tracked.status == "failed"
    assert tracked.params["error"].startswith("Infeasible: training must fit into memory")


def test_another_error_is_not_taken_for_lack_of_memory(tmp_path) -> None:
    small = Job(tmp_path, fit_training=4, failure=Failure.other.value)
    with pytest.raises(RuntimeError, match="device-side assert"):
        small.run()
    assert small.attributes == {}


def test_a_lone_run_that_does_not_fit_says_so_in_one_line(tmp_path) -> None:
    model = save_model(tmp_path / "given", DATA, fit_training=0)
    words = ["model=pretrained", f"model.path={model}", "data.n_train=62", "data.n_eval=16"]
    program = "import sys, small_device; from qa_sweep import cli; sys.exit(cli.main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", program, *words, "tracking=off"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert result.stderr.splitlines()[-1].startswith("qa_sweep: training must fit into memory")
    assert "Traceback" not in result.stderr
