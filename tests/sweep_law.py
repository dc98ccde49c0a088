"""The law of a disturbed sweep: in the end all is as if nothing had happened."""

import json
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock, SoftFileLock
from optuna.trial import FrozenTrial
from sweep_helpers import assert_gone, study_of

Row = tuple[dict[str, Any], str, list[float] | None, dict[str, float]]


def assert_as_undisturbed(folder: Path, undisturbed: Path) -> None:
    """The sweep in `folder` has the table of the undisturbed one, and has left nothing behind."""
    assert table_of(folder) == table_of(undisturbed)
    assert_settled(folder)


def table_of(folder: Path) -> list[Row]:
    return rows_of(study_of(folder).trials)


def rows_of(trials: Iterable[FrozenTrial]) -> list[Row]:
    """What each trial was given and what came of it, to the last digit."""
    rows = [
        (trial.params, trial.state.name, trial.values, _numbers(trial.user_attrs))
        for trial in trials
    ]
    return sorted(rows, key=str)


def assert_settled(folder: Path) -> None:
    """No process, lease, lock, open run or half-written file of the sweep in `folder` is left."""
    assert_gone(folder)
    results = folder / "results"
    assert all(trial.state.is_finished() for trial in study_of(folder).trials)
    assert [path for path in results.glob(".studies/*/*") if path.is_file()] == []
    _assert_locks_are_free(results)
    _assert_sound(results)
    assert [path for path in results.rglob("*") if _is_temporary(path)] == []
    assert not list(results.glob("*/*/checkpoints"))
    for path in results.glob("*/*/result.json"):
        assert json.loads(path.read_text())["metrics"]
    if (folder / ".aim").exists():
        _assert_tracked(folder)


def _numbers(attributes: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in attributes.items() if isinstance(value, float)}


def _assert_locks_are_free(results: Path) -> None:
    for path in [*results.glob(".studies/*.lock"), *results.glob(".*.lock")]:
        with FileLock(path, timeout=0):
            pass


def _assert_sound(results: Path) -> None:
    assert not [*results.glob("studies.db-*")], "a transaction was neither ended nor undone"
    with sqlite3.connect(results / "studies.db") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def _is_temporary(path: Path) -> bool:
    """Whether the file has no name of its own yet, or should have been removed when empty."""
    is_unnamed = re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name) is not None
    is_empty_stack = re.fullmatch(r"hang-\d+\.txt", path.name) and path.stat().st_size == 0
    return path.is_file() and bool(is_unnamed or is_empty_stack)


def _assert_tracked(folder: Path) -> None:
    """Each trial has its one run, which has ended as the trial did."""
    from qa_sweep.tracking import read_runs

    assert not list(folder.glob("results/*/*/tracking.jsonl"))
    _assert_no_run_is_locked(folder / ".aim" / "locks")
    runs = {run.hash: run for run in read_runs(str(folder))}
    trials = study_of(folder).trials
    assert sorted(runs) == sorted(trial.user_attrs["aim_run"] for trial in trials)
    for trial in trials:
        run = runs[trial.user_attrs["aim_run"]]
        assert (run.status, run.params["study"]["trial"]) == ("complete", trial.number)
        assert run.end_time is not None


def _assert_no_run_is_locked(locks: Path) -> None:
    """Aim's lock of the whole repo may be left by who was killed: the next one takes it over."""
    for path in locks.glob("*"):
        assert path.name == "structured_db_lock"
        with SoftFileLock(path, timeout=5):
            pass
