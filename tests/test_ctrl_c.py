"""Ctrl-C is answered at once, whatever the sweep is at."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT, environment
from engine_helpers import output_of, start_on, states_of
from optuna.trial import TrialState
from sweep_helpers import wait_for

ANSWER = "finishing the trials at work; Ctrl-C again stops at once"
INTERRUPTED = -signal.SIGINT


def wait_for_answer(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while ANSWER not in output_of(folder):
        assert time.monotonic() < deadline, output_of(folder)
        time.sleep(0.1)


def test_ctrl_c_is_answered_while_a_trial_is_in_a_long_step(tmp_path) -> None:
    sweep = start_on("basic", tmp_path, "x=1,2", "seconds_a_step=60", n_workers=1)
    wait_for(tmp_path, "*.json", 1)
    sweep.send_signal(signal.SIGINT)
    wait_for_answer(tmp_path)
    assert sweep.poll() is None
    sweep.send_signal(signal.SIGINT)
    assert sweep.wait(timeout=30) == INTERRUPTED
    assert states_of(tmp_path) == [TrialState.WAITING] * 2


def test_ctrl_c_in_the_midst_of_a_line_lets_the_sweep_finish_it(tmp_path) -> None:
    words = ["-m", "x=range(0,40)", "seconds_a_step=0.2", "hydra.sweeper.n_workers=2"]
    finished = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "presses_ctrl_c.py"), *words],
        cwd=tmp_path,
        env={**environment(), "TERM": "xterm"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == INTERRUPTED, finished.stderr
    assert ANSWER in finished.stdout
    assert TrialState.RUNNING not in states_of(tmp_path)
