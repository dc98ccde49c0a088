"""The requirements of pyproject.toml at the lowest versions that they allow, as constraints."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# PyPI's older ones bring CUDA along, several GB each.
NOT_TRIED = "torch"


def requirements(*extras: str) -> Iterator[Requirement]:
    """What qa_sweep and these extras need of others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    for line in [*project["dependencies"], *(line for name in extras for line in optional[name])]:
        requirement = Requirement(line)
        if requirement.name != project["name"]:
            yield requirement


def lowest(requirement: Requirement) -> str:
    """The lowest version that it allows. Raises ValueError where it names none."""
    for specifier in requirement.specifier:
        if specifier.operator in (">=", "=="):
            return specifier.version
    raise ValueError(f"{requirement} must name its lowest version; write {requirement.name}>=…")


def constraint(requirement: Requirement) -> str:
    pin = f"{requirement.name}=={lowest(requirement)}"
    return f"# not tried: {pin}" if requirement.name == NOT_TRIED else pin


if __name__ == "__main__":
    print(*map(constraint, requirements(*sys.argv[1:])), sep="\n")
