"""Disks that are full or cannot be written: a training does not notice, and nothing is lost."""

import shutil
from pathlib import Path

import pytest
from disks import mount, remount
from tracking_helpers import (
    comparable,
    empty_repo,
    in_new_process,
    only_run,
    repo,
    report,
    start,
    undisturbed,
)

from qa_sweep.tracking import Outcome
from qa_sweep.tracking.settling import settle, unsettled

__all__ = ["empty_repo", "mount", "repo", "undisturbed"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]

TRAINING = """
    import logging, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    logging.basicConfig(format="%(levelname)s %(message)s")
    from tracking_helpers import fits
    print(fits(Path(sys.argv[1]), Path(sys.argv[2]), n_steps=1500))
"""


def train(repo: Path, folder: Path) -> tuple[str, list[str]]:
    """Train in a process of its own; its metrics, and its warnings."""
    process = in_new_process(TRAINING, str(repo), str(folder), str(Path(__file__).parent))
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output, [line for line in errors.splitlines() if "WARNING" in line or "Error" in line]


def test_a_full_disk_does_not_disturb_a_training_and_the_rest_waits_beside_it(
    tmp_path, mount, empty_repo
):
    small = mount(tmp_path / "small", "1m")
    shutil.copytree(empty_repo, small / ".aim")
    expected, quiet = train(tmp_path / "whole", tmp_path / "runs" / "1")
    metrics, warnings = train(small, tmp_path / "runs" / "2")
    assert quiet == []
    assert metrics == expected
    (warning,) = warnings
    assert warning.startswith("WARNING Aim tracking is off for this run, which goes on without it")
    assert unsettled(tmp_path / "runs") == [tmp_path / "runs" / "2"]
    assert not settle(tmp_path / "runs" / "2", Outcome.failed)

    remount(small, "size=50m")
    assert settle(tmp_path / "runs" / "2", Outcome.failed)
    assert comparable(only_run(small)) == comparable(only_run(tmp_path / "whole"))
    assert unsettled(tmp_path / "runs") == []


@pytest.mark.parametrize("size_kib", [0, 20, 50, 100, 150, 200])
def test_wherever_the_disk_is_full_the_run_is_whole_in_the_end(
    tmp_path, mount, empty_repo, undisturbed, size_kib, caplog
):
    """Of what Aim had taken before it failed, nothing is relied on."""
    small = mount(tmp_path / "small", "50m")
    shutil.copytree(empty_repo, small / ".aim")
    used = shutil.disk_usage(small).used // 1024
    remount(small, f"size={used + size_kib}k")
    tracker = start(small, folder=tmp_path / "runs" / "7")
    report(tracker)
    tracker.close(Outcome.complete)
    assert len([record for record in caplog.records if record.name != "report"]) == 1
    remount(small, "size=50m")
    assert settle(tmp_path / "runs" / "7", Outcome.failed)
    assert comparable(only_run(small)) == undisturbed


def test_a_repo_that_there_is_no_room_for_costs_one_warning(
    tmp_path, mount, undisturbed, capfd, caplog
):
    """Aim makes its tables in a process of its own, which would show where it failed."""
    small = mount(tmp_path / "small", "150k")
    tracker = start(small, folder=tmp_path / "runs" / "7")
    report(tracker)
    tracker.close(Outcome.complete)
    assert "Traceback" not in capfd.readouterr().err
    (warning,) = [record.getMessage() for record in caplog.records if record.name != "report"]
    assert "Aim's migration failed: " in warning
    assert "disk is full" in warning
    remount(small, "size=50m")
    assert settle(tmp_path / "runs" / "7", Outcome.failed)
    assert comparable(only_run(small)) == undisturbed


def test_a_disk_that_can_only_be_read_costs_one_warning(
    tmp_path, mount, empty_repo, undisturbed, caplog
):
    disk = mount(tmp_path / "disk", "50m")
    shutil.copytree(empty_repo, disk / ".aim")
    remount(disk, "ro")
    folder = tmp_path / "runs" / "7"
    tracker = start(disk, folder=folder)
    report(tracker)
    tracker.close(Outcome.complete)
    warnings = [record.getMessage() for record in caplog.records if record.name != "report"]
    assert len(warnings) == 1
    remount(disk, "rw")
    assert settle(folder, Outcome.failed)
    assert comparable(only_run(disk)) == undisturbed
