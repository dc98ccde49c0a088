"""Aim's server that is down, hangs, dies or comes back: a training does not notice."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tracking_helpers import (
    comparable,
    empty_repo,
    fits,
    only_run,
    repo,
    report,
    start,
    undisturbed,
    wait_for,
)

from qa_sweep.tracking import Outcome, Subset, read_runs
from qa_sweep.tracking.settling import set_outcome, settle, unsettled

__all__ = ["empty_repo", "repo", "undisturbed"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]

STALL_S = 10.0
HANG_S = 30.0  # no call may take as long


class Server:
    """A real `aim server`, on the loopback interface only."""

    def __init__(self, repo: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"aim://127.0.0.1:{self.port}"
        self._repo = repo

    def start(self) -> "Server":
        aim = str(Path(sys.executable).parent / "aim")
        command = [aim, "server", "--repo", str(self._repo), "--host", "127.0.0.1"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=quiet, stderr=quiet, start_new_session=True
        )
        wait_for(self._answers)
        return self

    def signal(self, number: int) -> None:
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process.poll() is None or psutil.pid_exists(self._process.pid):
            self.signal(signal.SIGKILL)
        self._process.wait()
        wait_for(lambda: not self._answers())

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def server(repo, monkeypatch) -> Iterator[Server]:
    from qa_sweep.tracking import aim_remote, recording

    monkeypatch.setattr(recording, "STALL_TIMEOUT_S", STALL_S)
    monkeypatch.setattr(aim_remote, "RECONNECT_S", 2.0)
    server = Server(repo)
    yield server.start()
    server.kill()


def warnings_of(caplog) -> list[str]:
    names = ("report", "qa_sweep.tracking.reader")  # the reader may look while a run is made
    return [record.getMessage() for record in caplog.records if record.name not in names]


def test_a_server_stores_what_a_folder_does(server, repo, tmp_path, undisturbed, caplog):
    tracker = start(server.address, folder=tmp_path / "runs" / "7")
    report(tracker)
    tracker.close(Outcome.complete)
    assert warnings_of(caplog) == []
    assert comparable(only_run(repo)) == undisturbed
    assert only_run(repo).hash == tracker.run_hash
    assert unsettled(tmp_path / "runs") == []
    assert set_outcome(server.address, str(tracker.run_hash), Outcome.pruned)
    assert (only_run(repo).status, only_run(repo).tags) == ("pruned", ("pruned",))


def test_a_server_that_is_down_costs_one_warning_and_settling_brings_all(
    server, repo, tmp_path, undisturbed, caplog
):
    server.kill()
    tracker = start(server.address, folder=tmp_path / "runs" / "7")
    report(tracker)
    began = time.monotonic()
    tracker.close(Outcome.complete)
    assert time.monotonic() - began < HANG_S
    assert len(warnings_of(caplog)) == 1
    assert not settle(tmp_path / "runs" / "7", Outcome.failed)
    server.start()
    assert settle(tmp_path / "runs" / "7", Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_server_that_hangs_or_dies_in_mid_run_costs_one_warning_and_nothing_is_lost(
    server, repo, tmp_path, undisturbed, caplog, number
):
    folder = tmp_path / "runs" / "7"
    tracker = start(server.address, folder=folder)
    wait_for(lambda: [run.status for run in read_runs(str(repo))] == ["running"])
    server.signal(number)
    began = time.monotonic()
    report(tracker)
    assert time.monotonic() - began < 1
    tracker.close(Outcome.complete)
    assert time.monotonic() - began < HANG_S
    assert len(warnings_of(caplog)) == 1
    assert str(folder) in warnings_of(caplog)[0]

    began = time.monotonic()
    assert not settle(folder, Outcome.failed)
    assert time.monotonic() - began < HANG_S
    server.kill()
    server.start()
    assert settle(folder, Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed
    assert only_run(repo).hash == tracker.run_hash


def test_a_server_that_hangs_at_the_opening_costs_one_warning(server, tmp_path, caplog):
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    tracker = start(server.address, folder=tmp_path / "runs" / "7")
    assert time.monotonic() - began < 1
    report(tracker)
    tracker.close(Outcome.complete)
    assert time.monotonic() - began < HANG_S
    assert len(warnings_of(caplog)) == 1
    assert unsettled(tmp_path / "runs") == [tmp_path / "runs" / "7"]


def test_a_server_that_is_started_anew_in_mid_run_gets_the_rest(
    server, repo, tmp_path, undisturbed, caplog, monkeypatch
):
    from qa_sweep.tracking import aim_remote, recording

    monkeypatch.setattr(recording, "STALL_TIMEOUT_S", 60.0)
    monkeypatch.setattr(aim_remote, "RECONNECT_S", 50.0)
    tracker = start(server.address, folder=tmp_path / "runs" / "7")
    # the first of what is reported; after it nothing is asked of the server until the end
    tracker.track({"loss": 1.0, "lr": 0.1}, step=0, epoch=0.0, subset=Subset.eval)
    wait_for(lambda: [len(run.metrics) for run in read_runs(str(repo))] == [2])
    server.kill()
    server.start()
    report(tracker)
    tracker.close(Outcome.complete)
    assert warnings_of(caplog) == []
    assert comparable(only_run(repo)) == undisturbed


def test_a_run_whose_process_was_killed_is_settled_on_the_server(
    server, repo, tmp_path, undisturbed
):
    from tracking_helpers import in_new_process

    script = """
        import os, signal, sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[3])
        from tracking_helpers import report, start
        report(start(sys.argv[1], folder=Path(sys.argv[2])))
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    folder = tmp_path / "runs" / "7"
    process = in_new_process(script, server.address, str(folder), str(Path(__file__).parent))
    process.communicate(timeout=60)
    assert settle(folder, Outcome.interrupted)
    run = only_run(repo)
    assert run.status == "interrupted"
    assert comparable(run)["metrics"] == undisturbed["metrics"]


EXITS = """
    import logging, os, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    logging.basicConfig(format="%(levelname)s %(message)s")
    from qa_sweep.tracking import recording
    recording.STALL_TIMEOUT_S = 10.0
    from tracking_helpers import fits, start
    losses = fits(sys.argv[1], Path(sys.argv[2]), n_steps=200)
    start(sys.argv[1], folder=Path(sys.argv[2], "unclosed"))
    print(losses)
"""


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_training_beside_a_lost_server_ends_as_one_that_is_not_tracked(server, tmp_path, number):
    from tracking_helpers import in_new_process

    expected = fits(None, tmp_path, n_steps=200)
    server.signal(number)
    folder = tmp_path / "runs" / "7"
    process = in_new_process(EXITS, server.address, str(folder), str(Path(__file__).parent))
    began = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 3 * HANG_S
    assert output == f"{expected}\n", errors
    first, second = errors.splitlines()  # one of each tracker
    assert "tracking is off" in first
    assert "tracking is off" in second
