"""The ready views as bookmarks, in a real repo of Aim's and in its open UI."""

import json
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from tracking_helpers import empty_repo, repo  # noqa: F401

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking import bookmark_database
from qa_sweep.tracking.bookmarks import make_views, save_bookmarks, saved_views
from qa_sweep.tracking.ui import aim_ui
from qa_sweep.tracking.views import BATCH_SIZE, LEARNING_RATE, views

BOOKMARKED = ["Loss curves", "Exact match and F1 by step", "Params and best results"]
USERS_STATE = {"select": {"options": [], "query": "users"}}


def test_an_untracked_sweep_has_no_views(tmp_path: Path) -> None:
    assert make_views(TrackingConfig(tracker=Tracker.off, repo=str(tmp_path)), "study") == []
    assert not list(tmp_path.iterdir())


def test_views_have_short_addresses_where_they_are_bookmarked(repo) -> None:  # noqa: F811
    made = make_views(TrackingConfig(repo=str(repo)), "study")
    assert [title for title, _ in made] == [*BOOKMARKED, "Questions and answers"]
    assert all(len(address) < 50 for _, address in made[:3])
    assert made[3][1].startswith("/text?query=O-")
    assert saved_views(str(repo), "study") == made


def test_the_schema_is_that_of_the_installed_aim() -> None:
    settings = Config(str(bookmark_database._migrations()))
    assert ScriptDirectory.from_config(settings).get_current_head() == bookmark_database._VERSION


def test_sweeps_that_end_at_the_same_time_double_nothing(repo) -> None:  # noqa: F811
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda _: save_bookmarks(str(repo), "study", views("study")), "1234"))
    assert all(addresses == saved[0] and len(addresses) == 3 for addresses in saved)
    assert count(repo, "dashboards") == count(repo, "explore_states") == 3


def test_two_studies_have_bookmarks_of_their_own(bookmarked) -> None:
    save_bookmarks(str(bookmarked), "other", views("other"))
    assert count(bookmarked, "dashboards") == 6


def test_a_locked_database_costs_one_warning(bookmarked, monkeypatch, caplog) -> None:
    monkeypatch.setattr("qa_sweep.tracking.bookmarks.LOCK_TIMEOUT_S", 0.1)
    connection = sqlite3.connect(bookmarked / ".aim/aim_db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert_fails_softly(bookmarked, caplog)
    connection.close()


def test_a_database_of_another_aim_is_left_as_it_is(bookmarked, caplog) -> None:
    change(bookmarked, "UPDATE alembic_version SET version_num = 'abcdefabcdef'")
    before = (bookmarked / ".aim/aim_db").read_bytes()
    assert_fails_softly(bookmarked, caplog)
    assert (bookmarked / ".aim/aim_db").read_bytes() == before


def test_a_damaged_database_costs_one_warning(repo, caplog) -> None:  # noqa: F811
    (repo / ".aim/aim_db").write_bytes(b"no database" * 1000)
    assert_fails_softly(repo, caplog)


def test_a_read_only_database_costs_one_warning(bookmarked, monkeypatch, caplog) -> None:
    # Root writes whatever the file's mode says: SQLite itself is told.
    connect = sqlite3.connect
    monkeypatch.setattr(
        "qa_sweep.tracking.bookmarks.sqlite3.connect",
        lambda path, **_: connect(f"file:{path}?mode=ro", uri=True, isolation_level=None),
    )
    change(bookmarked, "UPDATE explore_states SET state = 'x'", connect)
    assert_fails_softly(bookmarked, caplog)


def test_a_folder_without_a_repo_costs_one_warning(tmp_path: Path, caplog) -> None:
    assert_fails_softly(tmp_path, caplog)
    assert not list(tmp_path.iterdir())


def test_a_server_of_aims_gets_links_alone(caplog) -> None:
    made = make_views(TrackingConfig(repo="aim://localhost:1"), "study")
    assert [address.partition("?")[0] for _, address in made] == [
        "/metrics",
        "/metrics",
        "/params",
        "/text",
    ]
    assert not caplog.records


def test_an_empty_database_gets_aims_schema(repo) -> None:  # noqa: F811
    (repo / ".aim/aim_db").touch()
    assert len(save_bookmarks(str(repo), "study", views("study"))) == 3


class TestBesideAnOpenUi:
    """Through the API of a UI that runs while the bookmarks are written."""

    def test_bookmarks_are_listed_with_their_states(self, api) -> None:
        address, _ = api
        apps = {app["id"]: app for app in get(address, "apps")}
        dashboards = [one for one in get(address, "dashboards") if one["name"] in BOOKMARKED]
        assert [one["name"] for one in dashboards] == BOOKMARKED
        assert [apps[one["app_id"]]["state"] for one in dashboards] == [
            view.state for view in views("study")[:3]
        ]

    def test_the_next_sweep_updates_them(self, api) -> None:
        address, folder = api
        params = [LEARNING_RATE, BATCH_SIZE, "hparams.weight_decay"]
        save_bookmarks(str(folder), "study", views("study", params))
        assert len(get(address, "dashboards")) == 3
        (app,) = (app for app in get(address, "apps") if app["type"] == "params")
        assert "hparams.weight_decay" in str(app["state"]["select"])

    def test_what_the_user_changed_is_left_alone(self, api) -> None:
        address, folder = api
        losses, scores, params = get(address, "dashboards")
        send(address, f"dashboards/{losses['id']}", "PUT", {"name": "mine"})
        send(address, f"dashboards/{scores['id']}", "DELETE")
        send(address, f"apps/{params['app_id']}", "PUT", {"state": USERS_STATE})
        own = send(address, "apps", "POST", {"type": "metrics", "state": USERS_STATE})
        own_bookmark = {"name": "Loss curves", "description": "", "app_id": own["id"]}
        send(address, "dashboards", "POST", own_bookmark)
        before = get(address, "dashboards"), get(address, "apps")
        save_bookmarks(str(folder), "study", views("study", ["hparams.epochs"]))
        assert (get(address, "dashboards"), get(address, "apps")) == before


@pytest.fixture(scope="module")
def bookmarked_repo(empty_repo, tmp_path_factory) -> Path:  # noqa: F811
    """A repo to copy that has the bookmarks of "study": Aim's migration takes seconds."""
    folder = tmp_path_factory.mktemp("bookmarked")
    shutil.copytree(empty_repo, folder / ".aim")
    assert len(save_bookmarks(str(folder), "study", views("study"))) == 3
    return folder / ".aim"


@pytest.fixture
def bookmarked(bookmarked_repo, tmp_path) -> Path:
    shutil.copytree(bookmarked_repo, tmp_path / ".aim")
    return tmp_path


@pytest.fixture(scope="module")
def api(bookmarked_repo, tmp_path_factory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("open")
    shutil.copytree(bookmarked_repo, folder / ".aim")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with aim_ui(str(folder), port) as ui:
        yield ui.address, folder


def get(address: str, what: str) -> list:
    return send(address, what, "GET")


def send(address: str, what: str, method: str, content: dict | None = None):
    data = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    request = Request(f"{address}/api/{what}/", data, headers, method=method)
    with urlopen(request, timeout=20) as answer:
        return json.load(answer)


def assert_fails_softly(folder: Path, caplog) -> None:
    assert save_bookmarks(str(folder), "study", views("study", ["hparams.epochs"])) == {}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "\n" not in caplog.records[0].getMessage()


def change(folder: Path, statement: str, connect=sqlite3.connect) -> None:
    connection = connect(folder / ".aim/aim_db")
    connection.execute(statement)
    connection.commit()
    connection.close()


def count(folder: Path, table: str) -> int:
    connection = sqlite3.connect(folder / ".aim/aim_db")
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return found
