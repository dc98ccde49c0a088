"""The GPU's benchmark as a command: what it says where it cannot run."""

import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
PACKED = (BENCHMARKS / "gpu_parts" / "requirements.txt").read_text().split()
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
    pins = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert set(PACKED) <= pins


def test_it_runs_where_nothing_is_installed_but_torch_and_what_is_packed(tmp_path: Path):
    site = tmp_path / "site"
    site.mkdir()
    for found in {**with_needs("torch"), **{name: distribution(name) for name in PACKED}}.values():
        link(found, site)
    options = ["--tiny", "--pairs", "1", "--parts", "step", "--output", tmp_path / "results"]
    code, lines = call(
        *(sys.executable, "-S", BENCHMARKS / "gpu.py", *options),
        cwd=tmp_path,
        env={**NO_GPU, "PYTHONPATH": str(site)},
    )
    assert code == 0, lines
    assert (tmp_path / "results" / "step.json").exists()


def with_needs(name: str) -> dict[str, Distribution]:
    """What is installed of a package and of all that it needs."""
    found: dict[str, Distribution] = {}
    open_names = [name]
    while open_names:
        try:
            own = distribution(open_names.pop())
        except PackageNotFoundError:  # as what is for other machines
            continue
        if own.name not in found:
            found[own.name] = own
            needs = map(Requirement, own.requires or [])
            open_names += [n.name for n in needs if n.marker is None or n.marker.evaluate()]
    return found


def link(found: Distribution, site: Path) -> None:
    """Have `site` hold what a distribution has put into the folder of packages."""
    for top in {path.parts[0] for path in found.files or []} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(found.locate_file(top))
