"""Leases: a dead worker is noticed, a living one is not disturbed, whatever the clocks say."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qa_sweep.sweep.lease import Lease, LeaseObserver
from qa_sweep.sweep.lease_stores import LeaseFiles


@pytest.fixture
def store(tmp_path: Path) -> LeaseFiles:
    return LeaseFiles(tmp_path / "leases")


def test_a_lease_is_dead_as_soon_as_its_process_is(store, tmp_path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from qa_sweep.sweep.lease import Lease\n"
        "from qa_sweep.sweep.lease_stores import LeaseFiles\n"
        "with Lease(LeaseFiles(Path(sys.argv[1])), 7):\n"
        "  print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "leases")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout.readline() == "held\n"
    observer = LeaseObserver(store, timeout_s=60)
    assert not observer.is_dead(7)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert observer.is_dead(7)


def test_with_a_lease_goes_what_its_killed_writer_left_half_written(store, tmp_path) -> None:
    store.write(1, {"beat": 1})
    store.write(11, {"beat": 1})
    (tmp_path / "leases" / "1.0123456789abcdef").write_text('{"be')
    store.remove(1)
    assert [path.name for path in (tmp_path / "leases").iterdir()] == ["11.json"]


def test_a_lease_from_elsewhere_is_dead_when_it_no_longer_changes(store) -> None:
    observer = LeaseObserver(store, timeout_s=0.3)
    for beat in range(3):
        store.write(1, {"machine": "elsewhere", "pid": 1, "started": "0", "beat": beat})
        assert not observer.is_dead(1)
        time.sleep(0.2)
    assert not observer.is_dead(1)
    time.sleep(0.3)
    assert observer.is_dead(1)


def test_time_in_which_nobody_looked_counts_little(store, monkeypatch) -> None:
    store.write(1, {"machine": "elsewhere", "pid": 1, "started": "0", "beat": 1})
    observer = LeaseObserver(store, timeout_s=60)
    now = 1000.0
    monkeypatch.setattr("qa_sweep.sweep.lease.time.monotonic", lambda: now)
    assert not observer.is_dead(1)
    now += 3600  # the machine slept, or the storage was away
    assert not observer.is_dead(1)
    for _ in range(60):
        now += 1
        dead = observer.is_dead(1)
    assert dead


def test_a_lease_that_was_taken_over_is_noticed_and_left_alone(store) -> None:
    with Lease(store, 1) as first:
        second = Lease(store, 1)
        second.__enter__()
        assert second.is_held
        assert not first.is_held
    assert first.is_lost
    assert store.read(1)
    second.__exit__(None, None, None)
    assert not store.read(1)
