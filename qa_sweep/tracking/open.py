"""Opens the tracker that the settings ask for."""

from importlib import import_module
from pathlib import Path

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking.tracker import NullTracker, RunTracker


def import_tracker(config: TrackingConfig) -> None:
    """Import the tracker's library: Aim takes seconds, which an untracked run shall not pay."""
    if config.tracker is Tracker.aim:
        import_module("qa_sweep.tracking.aim_tracker")


def choose_hash(config: TrackingConfig) -> str | None:
    """A hash for a new run, to be kept before there is a run of it; None where none is tracked."""
    if config.tracker is Tracker.off:
        return None
    from qa_sweep.tracking.aim_tracker import new_hash

    return new_hash()


def open_tracker(
    config: TrackingConfig,
    *,
    experiment: str,
    run_name: str,
    folder: Path,
    run_hash: str | None = None,
) -> RunTracker:
    """Open the record of a run; with `run_hash`, of the run of that hash, be it there or not.

    `folder` is the run's, where its record waits while the repo cannot be written. Such a repo
    costs one warning, and the run goes on.
    """
    if config.tracker is Tracker.off:
        return NullTracker()
    from qa_sweep.tracking.aim_tracker import AimTracker

    return AimTracker(
        config, experiment=experiment, run_name=run_name, folder=folder, run_hash=run_hash
    )
