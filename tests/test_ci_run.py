"""`.ci/run` ends with the stage that failed, what was skipped, and what took how long.

The stages themselves take an hour: here they are words that end in the way that is wanted.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPT = ROOT / ".ci" / "run"
STAGES = {"packages", "audit", "slurm", "docker"}
# `make TARGET` and each stage of .ci say who they are, and do what a variable of the name says.
STAND_IN = """#!/usr/bin/env bash
name=${1:-$(basename "$0")}
name=${name//-/_}
echo "$name runs"
eval "${!name:-true}"
"""

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def ci(tmp_path: Path) -> Run:
    """Run a copy of the script, in which each stage does what is given by its name."""
    folder = tmp_path / "project"
    (folder / ".ci").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    for path in (tmp_path / "bin" / "make", *(folder / ".ci" / name for name in STAGES)):
        path.write_text(STAND_IN)
        path.chmod(0o755)

    def run(**stages: str) -> subprocess.CompletedProcess:
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        given = {"slurm": "false", **stages}
        return subprocess.run(
            [".ci/run"],
            cwd=folder,
            env={"PATH": path, "TMPDIR": str(tmp_path), **given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def timed(output: str) -> list[str]:
    """The stages of which there is a time, in their order."""
    return re.findall(r"^ *\d+ s  (.*)$", output, re.MULTILINE)


def test_each_stage_runs_once_and_is_timed(ci) -> None:
    done = ci()
    assert done.returncode == 0, done.stdout + done.stderr
    stages = timed(done.stdout)
    assert len(stages) == len(set(stages)) >= 13
    assert stages[-1] == "make test-faults"
    assert not any("failed" in stage for stage in stages)


@pytest.mark.parametrize("name", ["lint", "test", "test_servers", "test_faults", "docker"])
def test_a_stage_that_fails_ends_it_with_its_output_last(ci, name) -> None:
    done = ci(**{name: "echo because; false"})
    assert done.returncode != 0
    *_, last = done.stdout.split("runs\n")
    assert last.startswith("because\n")
    assert [stage for stage in timed(last) if stage.endswith(", which failed")]
    assert "test_faults runs" not in done.stdout or name == "test_faults"


def test_a_stage_that_fails_beside_others_ends_it_with_its_output_last(ci) -> None:
    done = ci(test_lowest="echo because; false", test_launchers="sleep 0.5")
    assert done.returncode != 0
    *_, last = done.stdout.split("runs\n")
    assert last.startswith("because\n")
    assert "make test-lowest, which failed" in timed(last)
    assert "test_faults runs" not in done.stdout


def test_what_was_skipped_is_said_again_at_the_end(ci) -> None:
    reason = "SKIPPED [2] tests/test_x.py:3: there is no GPU"
    done = ci(
        test=f"echo '{reason}'",
        test_onnx=f"echo '{reason}'",
        packages="echo 'SKIPPED: what needs nginx'; false",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, end = done.stdout.split("test_faults runs\n")
    assert end.count(reason) == 1
    for skipped in ("what needs nginx", "the tests on Slurm"):
        assert f"SKIPPED: {skipped}" in end


def test_what_runs_beside_is_ended_where_a_stage_fails(ci) -> None:
    done = ci(test_wheel="exec sleep 50", test_ray="false")
    assert done.returncode != 0
    assert "make test-wheel" not in timed(done.stdout)
