"""What was being made when a process was killed goes away where the next one is made."""

import os
from pathlib import Path

from qa_sweep.leftovers import remove_leftovers
from qa_sweep.tracking.aim_repo import make_repo
from qa_sweep.tracking.bookmark_database import prepared_database


def leave(path: Path, *, is_old: bool = True) -> None:
    """A folder of files, last touched long ago."""
    path.mkdir(parents=True)
    (path / "file").write_text("x")
    if is_old:
        os.utime(path, (0, 0))


def test_only_what_is_old_and_has_such_a_name_is_removed(tmp_path) -> None:
    leave(tmp_path / ".made-x1_y2z3a")
    leave(tmp_path / ".made-a1_b2c3d", is_old=False)
    leave(tmp_path / ".made-by.the-user")
    (tmp_path / ".made-file0000").touch()
    os.utime(tmp_path / ".made-file0000", (0, 0))
    remove_leftovers(tmp_path, ".made-")
    assert {path.name for path in tmp_path.iterdir()} == {".made-a1_b2c3d", ".made-by.the-user"}
    remove_leftovers(tmp_path / "nothing", ".made-")


def test_a_repo_that_was_never_finished_goes_away_and_a_users_copy_stays(tmp_path) -> None:
    leave(tmp_path / ".aim.unfinished-x1_y2z3a")
    leave(tmp_path / ".aim-20261122")
    make_repo(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".aim", ".aim-20261122"]


def test_a_database_of_bookmarks_that_was_never_finished_goes_away(tmp_path) -> None:
    leave(tmp_path / ".aim/.bookmarks-x1_y2z3a")
    database = prepared_database(tmp_path / ".aim")
    assert list((tmp_path / ".aim").iterdir()) == [database]
