"""Secrets around a sweep, and those that its storage needs, are in nothing that it leaves."""

import subprocess
import time
from pathlib import Path

import pytest
from conftest import PARABOLA
from test_tracking_canaries import CANARY, ENVIRON, command_lines, files_with_canary, start

STORAGE = "hydra.sweeper.storage=postgresql://me:${oc.env:PGPASSWORD}@127.0.0.1:1/studies"


def watch(process: subprocess.Popen) -> tuple[str, set[tuple[str, ...]]]:
    """What it and its children say, and what they are in the list of processes."""
    listed: set[tuple[str, ...]] = set()
    while process.poll() is None:
        listed |= command_lines(process.pid)
        time.sleep(0.05)
    return "".join(process.communicate()), listed


def test_a_sweep_with_workers_leaves_no_secret_anywhere(tmp_path) -> None:
    process = start(
        tmp_path, str(PARABOLA), "-m", "x=1,2,3", "fail_at=2", "hydra.sweeper.n_workers=2"
    )
    output, listed = watch(process)
    assert process.returncode == 0, output
    assert listed
    assert CANARY not in output + repr(listed)
    assert files_with_canary(tmp_path) == []


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_error_that_names_a_secret_is_told_without_it(n_workers, tmp_path) -> None:
    words = ["x=1,2", "fail_naming=DATABASE_URL", f"hydra.sweeper.n_workers={n_workers}"]
    process = start(tmp_path, str(PARABOLA), "-m", *words)
    output, _ = watch(process)
    assert process.returncode == 1
    assert "cannot reach mysql://***@host/db" in output
    assert CANARY not in output
    assert files_with_canary(tmp_path) == []
    logs = list(tmp_path.glob("results/*/*/app.log"))
    assert len(logs) == 2
    assert all(log.read_text().count("cannot reach mysql://***@host/db") == 2 for log in logs)


def test_a_storage_that_is_away_is_named_without_its_password(tmp_path) -> None:
    process = start(tmp_path, str(PARABOLA), "-m", "x=1,2", STORAGE)
    output, listed = watch(process)
    assert process.returncode == 1
    assert "postgresql" in output
    assert ENVIRON["PGPASSWORD"] not in output + repr(listed)
    assert not any(CANARY.encode() in path.read_bytes() for path in files(tmp_path))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
