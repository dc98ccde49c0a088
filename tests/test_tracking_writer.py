"""The writer, before a target that hangs, fails or is slow."""

import threading
import time
from pathlib import Path

import pytest
from tracking_helpers import wait_for

from qa_sweep.tracking import recording, writer
from qa_sweep.tracking.events import Event
from qa_sweep.tracking.spool import Spool, is_held, read_events
from qa_sweep.tracking.writer import Writer


class Target:
    """Takes events; before the one of number `odd` it does something else."""

    def __init__(self, odd: int = -1, instead: object = None) -> None:
        self.applied: list[int] = []
        self.n_abandoned = 0
        self._odd = odd
        self._instead = instead

    def apply(self, event: Event) -> None:
        if event["number"] == self._odd:
            self._instead()
        self.applied.append(event["number"])

    def abandon(self) -> None:
        self.n_abandoned += 1


def line(number: int) -> Event:
    return {"do": "line", "number": number, "text": "x"}


def write(target: Target, folder: Path, n_events: int = 10, timeout_s: float = 20) -> float:
    """Write events; how long the end of it took, in seconds."""
    started = Writer(Spool(folder), target, place="here")
    for number in range(n_events - 1):
        started.submit(lambda number=number: line(number))
    began = time.monotonic()
    started.finish(lambda: line(n_events - 1), timeout_s)
    return time.monotonic() - began


def spooled(folder: Path) -> list[int]:
    path = folder / "tracking.jsonl"
    return [event["number"] for event in read_events(path, path.stat().st_size)]


def test_all_events_are_applied_in_order_and_none_is_left(tmp_path):
    target = Target()
    write(target, tmp_path)
    assert target.applied == list(range(10))
    assert target.n_abandoned == 0
    assert list(tmp_path.iterdir()) == []


def test_after_an_event_failed_all_others_are_only_spooled(tmp_path, caplog):
    target = Target(3, {}.popitem)
    write(target, tmp_path)
    assert target.applied == [0, 1, 2]
    assert target.n_abandoned == 1
    assert spooled(tmp_path) == list(range(10))
    (message,) = caplog.messages
    assert "KeyError" in message
    assert str(tmp_path / "tracking.jsonl") in message


def test_a_target_that_hangs_is_given_up(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(recording, "STALL_TIMEOUT_S", 0.2)
    target = Target(3, threading.Event().wait)
    assert write(target, tmp_path) < 10
    assert target.applied == [0, 1, 2]
    assert target.n_abandoned == 1
    assert spooled(tmp_path) == list(range(10))
    assert "no answer within 0.2 s" in caplog.messages[0]
    assert len(caplog.messages) == 1


def test_a_target_that_is_too_slow_at_the_end_is_given_up(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(writer, "LAST_WAIT_S", 10.0)
    slow = Target(3, lambda: time.sleep(5))
    assert write(slow, tmp_path, timeout_s=0.1) < 5
    assert spooled(tmp_path) == list(range(10))
    assert "not closed within 0.1 s" in caplog.messages[0]
    assert len(caplog.messages) == 1


def test_a_target_that_does_not_keep_up_is_given_up_before_memory_is(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(writer, "MAX_QUEUED", 20)
    release = threading.Event()
    target = Target(0, release.wait)
    started = Writer(Spool(tmp_path), target, place="here")
    for number in range(60):
        started.submit(lambda number=number: line(number))
        wait_for(lambda: started._submitted.qsize() < 10)
    wait_for(lambda: caplog.messages != [])
    assert "20 events wait to be written" in caplog.messages[0]
    release.set()
    started.finish(lambda: line(60), 20)
    assert spooled(tmp_path) == list(range(61))


def test_an_event_that_cannot_be_made_ends_tracking_with_one_warning(tmp_path, caplog):
    target = Target()
    started = Writer(Spool(tmp_path), target, place="here")
    started.submit(lambda: line(0))
    started.submit(lambda: line(1 // 0))
    started.submit(lambda: line(2))
    started.finish(lambda: line(3), 20)
    assert ["ZeroDivisionError" in message for message in caplog.messages] == [True]
    assert spooled(tmp_path) == [0]
    assert not is_held(tmp_path / "tracking.jsonl")


@pytest.mark.parametrize("n_events", [1, 500])
def test_submitting_waits_for_nothing(tmp_path, n_events):
    hanging = Target(0, threading.Event().wait)
    started = Writer(Spool(tmp_path), hanging, place="here")
    began = time.monotonic()
    for number in range(n_events):
        started.submit(lambda number=number: line(number))
    assert time.monotonic() - began < 0.5
