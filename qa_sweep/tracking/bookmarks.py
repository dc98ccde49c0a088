"""Puts views into the Bookmarks of Aim's UI, whether the UI is open or not.

Aim keeps a bookmark as two rows of the repo's `aim_db`: an app, which is a page's state, and a
dashboard, which is its card on the Bookmarks page. Ours have ids that follow from the study and the
title, so that a later sweep, or one at the same time, meets them again instead of doubling them.
"""

import json
import logging
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.errors import OutputError
from qa_sweep.tracking.bookmark_database import DATABASE, LOCK_TIMEOUT_S, prepared_database
from qa_sweep.tracking.markup import encodable
from qa_sweep.tracking.reader import repo_folder
from qa_sweep.tracking.views import BATCH_SIZE, LEARNING_RATE, TEXT_PAGE, View, views

logger = logging.getLogger(__name__)

_IDS = uuid.UUID("6e1f1d5c-93d3-5a0c-8f0a-3a6f2f0f9a55")

_INSERT_DASHBOARD = """
    INSERT INTO dashboards (uuid, name, description, created_at, updated_at, is_archived)
    VALUES (:dashboard, :title, :description, :now, :now, 0)
    ON CONFLICT (uuid) DO NOTHING
"""
# Whatever is changed in Aim's UI (a name, a state, a removal) gets a later `updated_at`: it is then
# the user's, and is left alone.
_SAVE_APP = """
    INSERT INTO explore_states
           (uuid, dashboard_id, type, state, created_at, updated_at, is_archived)
    VALUES (:app, :dashboard, :page, :state, :now, :now, 0)
    ON CONFLICT (uuid) DO UPDATE
       SET state = excluded.state, created_at = :now, updated_at = :now
     WHERE updated_at = created_at AND state != excluded.state
       AND EXISTS (SELECT 1 FROM dashboards WHERE uuid = :dashboard AND updated_at = created_at)
"""


def make_views(
    config: TrackingConfig,
    experiment: str,
    params: Sequence[str] = (LEARNING_RATE, BATCH_SIZE),
    metric: str = "f1",
) -> list[tuple[str, str]]:
    """Make or update the bookmarks of a study; return title and address of each of its views.

    Addresses are below the UI's. For what `params` and `metric` are see `views`.
    """
    if config.tracker is Tracker.off:
        return []
    wanted = views(experiment, params, metric)
    saved = save_bookmarks(config.repo, experiment, wanted) if "://" not in config.repo else {}
    return [(view.title, saved.get(view.title, view.address)) for view in wanted]


def save_bookmarks(repo: str, experiment: str, wanted: Sequence[View]) -> dict[str, str]:
    """Make or update a bookmark for each view that can have one; return addresses by title.

    The Text explorer can have none: its bookmark would make the Bookmarks page fail. Where none can
    be saved, that costs one warning, and nothing is returned.
    """
    rows = [_row(experiment, view) for view in wanted if view.page != TEXT_PAGE]
    try:
        _save(prepared_database(repo_folder(repo)), rows)
    except (OSError, sqlite3.Error, OutputError) as error:
        logger.warning("the views cannot be put into the bookmarks of Aim in %s: %s", repo, error)
        return {}
    return {row["title"]: _address(row["page"], row["app"]) for row in rows}


def saved_views(repo: str, experiment: str) -> list[tuple[str, str]]:
    """Title and address of the views of a study, as `make_views` has left them.

    Those that it has not made are for the tutorial's params. Raises OutputError where there is no
    Aim repo.
    """
    saved = _app_ids(repo_folder(repo) / DATABASE)
    return [
        (view.title, _address(view.page, app) if app in saved else view.address)
        for view in views(experiment)
        for app in (_id("app", experiment, view.title),)
    ]


def _app_ids(database: Path) -> set[str]:
    """Ids of all apps; none where the database is missing or cannot be read."""
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        with closing(connection):
            return {app for (app,) in connection.execute("SELECT uuid FROM explore_states")}
    except sqlite3.Error:
        return set()


def _save(database: Path, rows: Sequence[dict[str, str]]) -> None:
    connection = sqlite3.connect(database, timeout=LOCK_TIMEOUT_S, isolation_level=None)
    with closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            connection.execute(_INSERT_DASHBOARD, row)
            connection.execute(_SAVE_APP, row)
        connection.execute("COMMIT")


def _row(experiment: str, view: View) -> dict[str, str]:
    """What is written of a view into the two tables."""
    return {
        "app": _id("app", experiment, view.title),
        "dashboard": _id("dashboard", experiment, view.title),
        "page": view.page,
        "state": json.dumps(view.state),
        "title": view.title,
        "description": encodable(f"Study {experiment}"),
        "now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),  # SQLAlchemy's spelling
    }


def _id(kind: str, experiment: str, title: str) -> str:
    return str(uuid.uuid5(_IDS, json.dumps([kind, experiment, title])))


def _address(page: str, app: str) -> str:
    return f"/{page}/{app}"
