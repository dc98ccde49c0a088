"""Environments: a virtual environment with pinned packages for each sweeper compared with."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = (
    "alembic",
    "hydra-core",
    "hydra-joblib-launcher",
    "hydra-optuna-sweeper",
    "joblib",
    "numpy",
    "omegaconf",
    "optuna",
    "qa-sweep",
    "sqlalchemy",
)
_ASK_VERSIONS = """
import importlib.metadata, json, sys
found = {d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
versions = {name: found[name] for name in json.loads(sys.argv[1]) if name in found}
print(json.dumps({"python": sys.version.split()[0], **versions}))
"""


@dataclass(frozen=True)
class Environment:
    """Pinned packages; none of them means the interpreter that runs this script."""

    name: str
    requirements: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        return not self.requirements

    def variables(self) -> dict[str, str]:
        """The environment variables of its processes."""
        # Our plugin on the module path would be found by the other sweepers' Hydra too.
        left_out = () if self.is_ours else ("PYTHONPATH", "PYTHONHOME")
        return {name: value for name, value in os.environ.items() if name not in left_out}


OURS = Environment("ours")
OLD = Environment(
    "hydra-optuna-sweeper-1.3.0",
    (
        "hydra-optuna-sweeper==1.3.0",
        "hydra-core==1.3.8",
        "hydra-joblib-launcher==1.2.0",
        "joblib==1.6.0",
        "numpy==2.4.6",
        "optuna==2.10.1",
        "sqlalchemy==1.4.54",  # with 2 that Optuna cannot open a database
    ),
)
NEW = Environment(
    "hydra-optuna-sweeper-1.4.0rc3",
    (
        "hydra-optuna-sweeper==1.4.0rc3",
        "hydra-core==1.4.0rc3",
        "hydra-joblib-launcher==1.4.0rc3",
        "joblib==1.6.0",
        "numpy==2.4.6",
        "optuna==5.0.0",
        "sqlalchemy==2.1.9",
    ),
)


def prepare(environment: Environment, folder: Path) -> Path:
    """The environment's interpreter; made in `folder` where it is not there as pinned."""
    if environment.is_ours:
        return Path(sys.executable)
    home = folder / environment.name
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins, done = "\n".join(environment.requirements), home / "pins.txt"
    if not done.exists() or done.read_text() != pins:
        venv.create(home, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        variables = environment.variables()
        subprocess.run([*pip, *environment.requirements], check=True, env=variables)
        done.write_text(pins)  # last: an interrupted installation is no environment
    return python


def versions(environment: Environment, python: Path) -> Mapping[str, str]:
    """Versions of the packages that matter here."""
    command = [python, "-c", _ASK_VERSIONS, json.dumps(_PACKAGES)]
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment.variables()
    )
    return json.loads(answer.stdout)
