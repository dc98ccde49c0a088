"""Brings to its repo what a run's tracker could not write, and closes what a dead process left.

Imports no Aim until something is to be written.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from qa_sweep.tracking import events
from qa_sweep.tracking.events import Event
from qa_sweep.tracking.recording import Recording, described
from qa_sweep.tracking.spool import SPOOL_NAME, Spool, is_held, read_events
from qa_sweep.tracking.tracker import Outcome

LOOK_INTERVAL_S = 0.5
TAKE_TIMEOUT_S = 1.0  # who only asks whether the spool is held, holds it for a moment

logger = logging.getLogger(__name__)


def unsettled(folder: Path) -> list[Path]:
    """Run folders directly in `folder` that hold a spool, by number.

    Such a run is at work, was left by a killed process, or waits to be written.
    """
    found = (path.parent for path in folder.glob(f"*/{SPOOL_NAME}"))
    return sorted(found, key=lambda path: (len(path.name), path.name))


def hand_on(earlier: Path, run_folder: Path) -> None:
    """Make the spool in the folder `earlier` the beginning of that in `run_folder`.

    For a run that goes on in the record of another one: what still waits of that must come before
    its own events, and never after them.
    """
    if not (run_folder / SPOOL_NAME).exists():
        with suppress(OSError):  # there is none, mostly
            (earlier / SPOOL_NAME).rename(run_folder / SPOOL_NAME)


def is_at_work(run_folder: Path) -> bool:
    """Whether a living process holds the spool of the run in `run_folder`."""
    return is_held(run_folder / SPOOL_NAME)


def settle(
    run_folder: Path, outcome: Outcome, error: str | None = None, repo: str | None = None
) -> bool:
    """Write what waits in the spool to its run, close the run, and remove the spool.

    The run gets `outcome` and `error` where the spool holds none. `repo` replaces the spool's own.
    False, and one warning, where the repo still cannot be written; the spool is then kept whole.
    False also where a living process holds the spool; True where there is none.
    """
    spool = Spool(run_folder)
    try:
        if not spool.take(TAKE_TIMEOUT_S):
            return False
    except FileNotFoundError:
        return True
    except OSError as error_of_file:
        return warn(spool.path, described(error_of_file))
    try:
        return settle_taken(spool, partial(events.closing, outcome, error)(), repo)
    finally:
        spool.close()


def settle_taken(spool: Spool, closing: Event, repo: str | None) -> bool:
    kept = read_events(spool.path, spool.size)
    fault = record(closed(kept, closing), repo)
    if fault is not None:
        return warn(spool.path, fault)
    spool.remove()
    return True


def closed(kept: Iterator[Event], closing: Event) -> Iterator[Event]:
    """`kept`, and `closing` at the time of the last of them where the run is still open then."""
    last: Event | None = None
    for event in kept:
        yield event
        last = event
    if last is not None and last["do"] != "close":
        yield closing | {"time": last["time"]}


def set_outcome(repo: str, run_hash: str, outcome: Outcome, error: str | None = None) -> bool:
    """Give an existing run another status, error and tag, and leave it closed.

    False, and one warning, where the repo or the run cannot be written.
    """
    reopening = {"do": "reopen", "repo": repo, "hash": run_hash, "time": time.time()}
    closing = events.closing(outcome, error) | {"time": time.time()}
    fault = record(iter((reopening, closing)), repo)
    return True if fault is None else warn(f"run {run_hash} of {repo}", fault)


def record(kept: Iterator[Event], repo: str | None) -> str | None:
    """Apply events to their runs; the fault that kept from it."""
    from qa_sweep.tracking.recorder import Recorder

    recording = Recording(Recorder(repo), kept)
    while not recording.has_ended(LOOK_INTERVAL_S) and recording.fault is None:
        pass
    return recording.fault


def warn(what: object, fault: str) -> bool:
    logger.warning("%s cannot be written to Aim: %s", what, fault)
    return False
