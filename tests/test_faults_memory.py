"""Memory that runs out for real: refused to a process, or a process killed for it by the kernel."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import environment
from memory_group import memory_group
from optuna.trial import TrialState
from safetensors.torch import load_file
from sweep_helpers import assert_gone, study_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's means"),
]

BATCH_SIZE = 512
MIB = 2**20
# One trial that fits, and one whose weights and their gradients alone are a gigabyte.
SWEEP = [
    *("-m", "sweeps=none", "model.hidden_size=64,4096", "model.vocabulary_size=300"),
    *("data.n_train=64", "data.n_eval=16", "trainer.batch_size=4", "trainer.epochs=1"),
    "tracking=off",
]


def limited_run(folder: Path, mib: int, *sizes: int) -> dict[str, Any]:
    """What came of a run with so much memory beyond what it began with."""
    program = str(Path(__file__).with_name("limited_run.py"))
    done = subprocess.run(
        [sys.executable, program, str(mib), str(folder), *map(str, sizes)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_with_little_memory_ends_as_one_that_began_with_small_batches(tmp_path) -> None:
    little = limited_run(tmp_path / "little", 400, BATCH_SIZE)
    size = little["device_batch_size"]
    assert size is not None, "there was memory enough"
    assert BATCH_SIZE // 64 <= size < BATCH_SIZE
    ample = limited_run(tmp_path / "ample", 8000, BATCH_SIZE, size)
    assert little["metrics"] == ample["metrics"]
    weights, expected = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("little", "ample")
    )
    for name in expected:
        assert weights[name].equal(expected[name]), name


def sweep(
    folder: Path, prepare: Callable[[], None], n_workers: int = 1
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "qa_sweep", *SWEEP, f"hydra.sweeper.n_workers={n_workers}"],
        cwd=folder,
        env=environment(),
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def trials_by_size(study: optuna.Study) -> tuple[Any, Any]:
    """The trial that fits, and the one that does not."""
    fits, too_large = sorted(study.trials, key=lambda trial: trial.params["model.hidden_size"])
    return fits, too_large


def test_a_trial_that_memory_does_not_hold_is_infeasible_and_the_sweep_goes_on(tmp_path) -> None:
    n_bytes = 2000 * MIB

    def have_little() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (n_bytes, n_bytes))

    done = sweep(tmp_path, have_little)
    assert done.returncode == 0, done.stderr
    fits, too_large = trials_by_size(study_of(tmp_path))
    assert fits.state is TrialState.COMPLETE
    assert too_large.user_attrs["infeasible"]
    assert "training must fit into memory, but did not with 1 windows" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert_gone(tmp_path)
    again = sweep(tmp_path, have_little)
    assert again.returncode == 0, again.stderr
    assert len(study_of(tmp_path).trials) == 2, "it was tried again"


@pytest.mark.timeout(300)
def test_a_worker_that_the_kernel_kills_for_its_memory_costs_its_trial_alone(tmp_path) -> None:
    with memory_group(1800 * MIB) as join:
        done = sweep(tmp_path, join, n_workers=2)
        assert_gone(tmp_path)
    assert done.returncode == 0, done.stderr
    fits, too_large = trials_by_size(study_of(tmp_path))
    assert fits.state is TrialState.COMPLETE
    assert too_large.state is TrialState.FAIL
    assert "its worker died 3 times" in too_large.user_attrs["error"]
    assert f"trial {too_large.number} failed: its worker died 3 times" in done.stdout
