"""Aim's server that answers, but slowly: a training does not wait for it, and nothing is lost."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from test_tracking_servers import HANG_S, Server, server, warnings_of
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

from qa_sweep.tracking import Outcome, aim_tracker, read_runs
from qa_sweep.tracking.settling import settle, unsettled

__all__ = ["empty_repo", "repo", "server", "undisturbed"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]

CLOSE_S = 5.0


@contextmanager
def slowed(server: Server, share: float) -> Iterator[None]:
    """Have the server work for a `share` of each fifth of a second, as on a busy machine."""
    is_over = threading.Event()

    def halt_again_and_again() -> None:
        while not is_over.is_set():
            server.signal(signal.SIGSTOP)
            is_over.wait(0.2 * (1 - share))
            server.signal(signal.SIGCONT)
            is_over.wait(0.2 * share)

    thread = threading.Thread(target=halt_again_and_again)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_slow_server_gets_all_of_it_and_nothing_is_said(
    server, repo, tmp_path, undisturbed, caplog
):
    with slowed(server, 0.3):
        tracker = start(server.address, folder=tmp_path / "runs" / "7")
        began = time.monotonic()
        report(tracker)
        assert time.monotonic() - began < 1
        tracker.close(Outcome.complete)
    assert warnings_of(caplog) == []
    assert comparable(only_run(repo)) == undisturbed
    assert unsettled(tmp_path / "runs") == []


def test_a_server_that_is_too_slow_costs_one_warning_and_gets_the_rest_when_it_is_quick_again(
    server, repo, tmp_path, undisturbed, caplog, monkeypatch
):
    monkeypatch.setattr(aim_tracker, "CLOSE_TIMEOUT_S", CLOSE_S)
    folder = tmp_path / "runs" / "7"
    tracker = start(server.address, folder=folder)
    wait_for(lambda: [run.status for run in read_runs(str(repo))] == ["running"])
    with slowed(server, 0.02):
        began = time.monotonic()
        report(tracker)
        assert time.monotonic() - began < 1
        tracker.close(Outcome.complete)
        assert time.monotonic() - began < CLOSE_S + HANG_S
    (warning,) = warnings_of(caplog)
    assert f"not closed within {CLOSE_S:g} s" in warning
    assert unsettled(tmp_path / "runs") == [folder]
    assert settle(folder, Outcome.failed)
    assert comparable(only_run(repo)) == undisturbed


def test_a_training_beside_a_slow_server_computes_what_it_computes_without(server, tmp_path):
    expected = fits(None, tmp_path, n_steps=200)
    with slowed(server, 0.3):
        assert fits(server.address, tmp_path / "runs" / "7", n_steps=200) == expected
