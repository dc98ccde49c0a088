"""A database server that goes away in mid-sweep: the sweep ends as one that it stayed with."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import PARABOLA, environment
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from servers import PASSWORD
from sweep_helpers import assert_gone, study_of
from test_servers import everything_written, server, study_at, url, wait_for_complete

from qa_sweep.sweep.storage import open_storage

__all__ = ["server", "url"]  # fixtures

pytestmark = pytest.mark.servers

GRID = ["-m", "x=range(0,12)", "seconds_a_step=0.3", "hydra.sweeper.n_workers=2"]


def start(folder: Path, *words: str) -> subprocess.Popen:
    folder.mkdir()
    with (folder / "output").open("w") as output:
        return subprocess.Popen(
            [sys.executable, str(PARABOLA), *GRID, *words],
            cwd=folder,
            env={**environment(), "PGPASSWORD": PASSWORD},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def table_of(study: optuna.Study) -> list[tuple[dict[str, Any], str, list[float] | None]]:
    rows = [(trial.params, trial.state.name, trial.values) for trial in study.trials]
    return sorted(rows, key=str)


def test_a_sweep_whose_database_restarts_twice_ends_as_an_undisturbed_one(
    url, server, tmp_path
) -> None:
    undisturbed = start(tmp_path / "undisturbed")
    assert undisturbed.wait(240) == 0

    folder = tmp_path / "disturbed"
    sweep = start(folder, f"hydra.sweeper.storage={url}")
    for count in (2, 6):
        wait_for_complete(url, count)
        server.restart()
    output = folder / "output"
    assert sweep.wait(240) == 0, output.read_text()
    assert "Traceback" not in output.read_text()
    assert table_of(study_at(url)) == table_of(study_of(tmp_path / "undisturbed"))
    assert_nothing_is_held(open_storage(url).backend)
    assert_gone(folder)
    assert not [path for path in folder.rglob(".*.????????") if path.is_file()], "half-written"
    assert PASSWORD not in everything_written(tmp_path)


def assert_nothing_is_held(storage: BaseStorage) -> None:
    """No trial is at work, neither of the study nor of that by which it is locked."""
    studies = storage.get_all_studies()
    assert len(studies) == 2
    for study in studies:
        states = [trial.state for trial in storage.get_all_trials(study._study_id)]
        assert TrialState.RUNNING not in states, study.study_name
