"""Opens the tracker that the settings ask for."""

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking.tracker import NullTracker, RunTracker


def open_tracker(
    config: TrackingConfig, *, experiment: str, run_name: str, run_hash: str | None = None
) -> RunTracker:
    """Open the record of a run; with `run_hash`, continue the run of that hash.

    A repo that cannot be opened costs one warning, and the tracker that is returned does nothing.
    """
    if config.tracker is Tracker.off:
        return NullTracker()
    # Aim takes seconds to import; a run that is not tracked shall not pay them.
    from qa_sweep.tracking.aim_tracker import AimTracker

    return AimTracker(config, experiment=experiment, run_name=run_name, run_hash=run_hash)
