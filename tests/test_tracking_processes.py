"""Several processes write to one repo while Aim's UI reads it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracking_helpers import comparable, empty_repo, in_new_process, undisturbed, wait_for

from qa_sweep.tracking import read_runs

__all__ = ["empty_repo", "undisturbed"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]

N_PROCESSES = 4
N_RUNS = 5  # of a process

WRITES = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    import qa_sweep.tracking.aim_tracker
    from qa_sweep.tracking import Outcome
    from tracking_helpers import report, start
    print("ready", flush=True)
    for number in range(int(sys.argv[2])):
        sys.stdin.readline()
        tracker = start(sys.argv[1], folder=Path(sys.argv[1], "runs", f"{sys.argv[4]}-{number}"))
        report(tracker)
        tracker.close(Outcome.complete)
        print(number, flush=True)
"""


class UserInterface:
    """A real `aim up`, on the loopback interface only."""

    def __init__(self, repo: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        aim = str(Path(sys.executable).parent / "aim")
        command = [aim, "up", "--repo", str(repo), "--host", "127.0.0.1", "--port"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [*command, str(self._port)], stdout=quiet, stderr=quiet, start_new_session=True
        )

    def n_runs(self) -> int:
        """Runs that it shows; 0 before it answers."""
        address = f"http://127.0.0.1:{self._port}/api/projects/activity"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["num_runs"]
        except OSError:
            return 0

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def writers(tmp_path) -> Iterator[list[subprocess.Popen]]:
    here = str(Path(__file__).parent)
    processes = [
        in_new_process(WRITES, str(tmp_path), str(N_RUNS), here, str(number))
        for number in range(N_PROCESSES)
    ]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_processes_that_write_at_once_beside_a_running_ui_lose_nothing(
    tmp_path, writers, undisturbed
):
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # all at once, where there is no repo yet
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.stdout.readline() == "0\n"
    ui = UserInterface(tmp_path)
    try:
        wait_for(lambda: ui.n_runs() == N_PROCESSES)
        outputs = [writer.communicate("\n" * N_RUNS, timeout=120) for writer in writers]
        runs = read_runs(str(tmp_path))
        wait_for(lambda: ui.n_runs() == N_PROCESSES * N_RUNS)
    finally:
        ui.stop()
    assert all("tracking is off" not in errors for _, errors in outputs)
    assert len(runs) == N_PROCESSES * N_RUNS
    assert [comparable(run) for run in runs] == [undisturbed] * len(runs)
    assert sorted(path.name for path in tmp_path.glob(".aim*")) == [".aim"]
