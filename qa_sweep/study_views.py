"""The views of a study in Aim's pages, and how they are reached."""

import shlex
from collections.abc import Sequence

from qa_sweep.config import RunConfig, Tracker
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.tracked_params import tracked_name
from qa_sweep.tracking import make_views
from qa_sweep.tracking.bookmarks import saved_views
from qa_sweep.tracking.reader import has_repo
from qa_sweep.tracking.ui import ADDRESS
from qa_sweep.tracking.views import BATCH_SIZE, LEARNING_RATE

_UP = ("python", "-m", "qa_sweep.up")
_AIM_UP = ("aim", "up")
_LONGEST_LINK = 200  # characters; of others `up` shows the whole


def prepare_views(config: RunConfig, study: StudyOnDisk) -> list[str]:
    """Make or update the views for what the study's trials differ in; return what to type.

    Costs a warning at most where there is nothing to write to.
    """
    if config.tracking.tracker is Tracker.off:
        return []
    swept = study.identity.space if study.identity else ()
    params = [name for setting in swept if (name := tracked_name(setting)) is not None]
    experiment = config.tracking.experiment or study.name
    views = make_views(
        config.tracking,
        experiment,
        params or (LEARNING_RATE, BATCH_SIZE),
        study.objectives[0].name,
    )
    return _linked(config.tracking.repo, views)


def views_of(repo: str, experiment: str) -> list[str]:
    """What to type for the views of a study; nothing without an Aim repo in folder `repo`."""
    return _linked(repo, saved_views(repo, experiment)) if has_repo(repo) else []


def _linked(repo: str, views: Sequence[tuple[str, str]]) -> list[str]:
    if "://" in repo:  # its UI is where its server is
        return []
    where = repo_option(repo)
    up, aim = (shlex.join([*words, *where]) for words in (_UP, _AIM_UP))
    links = [
        f"  {title}: {ADDRESS}{path}" if len(path) < _LONGEST_LINK else f"  {title}: as it says"
        for title, path in views
    ]
    return [f"{up}   # or: {aim}", *links]


def repo_option(repo: str) -> list[str]:
    """What a command must be told for it to find the Aim repo in folder `repo`."""
    return [] if repo == "." or "://" in repo else ["--repo", repo]
