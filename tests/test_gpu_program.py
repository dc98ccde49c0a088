"""The GPU's benchmark as a command: what it says where it cannot run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
NO_GPU = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""}


def call(*command: str | Path, **settings) -> tuple[int, list[str]]:
    """The exit code of a command, and its lines on stderr."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, **settings)
    return done.returncode, done.stderr.splitlines()


def test_without_a_gpu_it_says_so_in_one_line(tmp_path: Path):
    code, lines = call(BENCHMARKS / "gpu.sh", cwd=tmp_path, env=NO_GPU)
    assert code == 2
    assert len(lines) == 1
    assert "must have a GPU" in lines[0]


def test_without_packages_it_says_which_in_one_line():
    code, lines = call(sys.executable, "-S", BENCHMARKS / "gpu.py")
    assert code == 2
    assert len(lines) == 1
    assert "must have torch, transformers" in lines[0]


@pytest.mark.parametrize("arguments", [["pack"], ["--wheels"], ["--wheels", "/nowhere"]])
def test_a_folder_that_is_missing_is_asked_for(arguments: list[str]):
    code, lines = call(BENCHMARKS / "gpu.sh", *arguments)
    assert code == 2
    assert len(lines) == 1
    assert "must be" in lines[0]


def test_what_is_packed_is_pinned():
    names = (BENCHMARKS / "gpu_parts" / "requirements.txt").read_text().split()
    pins = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert set(names) <= pins
