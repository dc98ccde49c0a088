"""The views of a study in the tracker's pages, and how they are reached after a sweep."""

from qa_sweep.config import RunConfig, Tracker
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.tracked_params import tracked_name
from qa_sweep.tracking import make_views
from qa_sweep.tracking.ui import ADDRESS


def prepare_views(config: RunConfig, study: StudyOnDisk) -> list[str]:
    """Make or update the views for what the study's trials differ in; return what to type.

    Costs a warning at most where there is nothing to write to.
    """
    if config.tracking.tracker is Tracker.off:
        return []
    swept = study.identity.space if study.identity else ()
    params = [name for setting in swept if (name := tracked_name(setting)) is not None]
    experiment = config.tracking.experiment or study.name
    views = make_views(config.tracking, experiment, params, study.objectives[0].name)
    return [
        "python -m qa_sweep.up   # or: aim up",
        *(f"  {title}: {ADDRESS}{path}" for title, path in views),
    ]
