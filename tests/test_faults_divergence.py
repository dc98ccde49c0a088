"""Divergence within a sweep: such trials end early, and the sweep goes on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment
from optuna.trial import FrozenTrial, TrialState
from sweep_helpers import assert_gone, study_of

from qa_sweep.tracking import read_runs

pytestmark = pytest.mark.faults

# What decays so fast is no number at once; the next three fail alike, which would end a sweep if it
# were for an error.
SWEEP = [
    *("-m", "sweeps=none", "trainer.weight_decay=1e38,1000,900,800,0", "trainer.warmup=0"),
    *("data.n_train=256", "data.n_eval=16", "trainer.epochs=1"),
]
MANY_STEPS = 10  # of 16


def sweep(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "qa_sweep", *SWEEP],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_step(trial: FrozenTrial) -> int:
    """Of a trial that diverged, from what is said of it."""
    (step,) = re.findall(r"the loss was .* at step (\d+);", trial.user_attrs["error"])
    return int(step)


def test_trials_that_diverge_end_early_and_the_sweep_goes_on(tmp_path) -> None:
    output = sweep(tmp_path)
    *diverged, good = study_of(tmp_path).trials  # in the order in which they ran
    assert good.state is TrialState.COMPLETE
    assert good.params["trainer.weight_decay"] == 0
    assert f"best: trial {good.number}" in output
    for trial in diverged:
        assert trial.state is TrialState.FAIL
        assert last_step(trial) <= MANY_STEPS
        assert trial.intermediate_values == {}, "it was trained to the end of the epoch"
        assert f"trial {trial.number} failed: the loss was " in output
    assert ["the loss was nan" in trial.user_attrs["error"] for trial in diverged] == [
        *(True, False, False, False)
    ]
    assert output.count(" diverged ") >= len(diverged)
    runs = {run.hash: run for run in read_runs(str(tmp_path))}
    assert {runs[trial.user_attrs["aim_run"]].status for trial in diverged} == {"diverged"}
    assert runs[good.user_attrs["aim_run"]].status == "complete"
    assert_gone(tmp_path)

    sweep(tmp_path)
    assert len(study_of(tmp_path).trials) == 5, "what diverged was tried again"
