"""Measuring: one run of a system in a process of its own, with all its children."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper_parts.environments import Environment, prepare, versions
from sweeper_parts.systems import System

_APPS = Path(__file__).parent.parent / "sweeper_app"
_SHOWN_OF_LOG = 3000  # characters


@dataclass(frozen=True)
class Measured:
    """`started` and `ended` are seconds since the epoch, as the jobs' own notes are."""

    started: float
    ended: float
    cpu_s: float  # user and system, of the process and all its children

    @property
    def wall_s(self) -> float:
        return self.ended - self.started


class Bench:
    """Runs systems, each in a new folder; makes their environments when first asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pythons: dict[Environment, Path] = {}
        self._versions: dict[Environment, Mapping[str, str]] = {}

    def python(self, environment: Environment) -> Path:
        if environment not in self._pythons:
            self._pythons[environment] = prepare(environment, self.folder / "environments")
        return self._pythons[environment]

    def versions(self) -> dict[str, Mapping[str, str]]:
        """Environment → package → version, of the environments used so far."""
        for environment, python in self._pythons.items():
            if environment not in self._versions:
                self._versions[environment] = versions(environment, python)
        return {environment.name: found for environment, found in self._versions.items()}

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A folder that is gone afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path)

    def run(
        self,
        system: System,
        n_trials: int,
        folder: Path,
        variables: Mapping[str, str] | None = None,
    ) -> Measured:
        """Run `n_trials` of the system in `folder`. Raises RuntimeError where not all have run."""
        arguments = system.arguments(n_trials, folder)
        command = [str(self.python(system.environment)), str(_APPS / system.app), *arguments]
        log = folder / "output.log"
        measured, code = _measure(
            command, folder, log, {**system.environment.variables(), **(variables or {})}
        )
        n_jobs = n_trials if system.app == "bare.py" else _count_jobs(folder)
        if code != 0 or n_jobs != n_trials:
            raise RuntimeError(
                f"{system.name} must run {n_trials} trials, but ran {n_jobs} "
                f"and exited with {code}:\n{log.read_text()[-_SHOWN_OF_LOG:]}"
            )
        return measured


def read_journal(path: Path) -> list[Any]:
    """What the jobs noted, a line each."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def _measure(
    command: list[str], folder: Path, log: Path, variables: Mapping[str, str]
) -> tuple[Measured, int]:
    with log.open("wb") as output:
        started = time.time()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            # Linux shares a busy machine among sessions, and our workers have their own.
            start_new_session=True,
        )
        try:
            # The usage of this child and of those it has waited for: not of our other children.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        ended = time.time()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(started, ended, usage.ru_utime + usage.ru_stime), process.returncode


def _count_jobs(folder: Path) -> int:
    """Hydra writes a `.hydra` folder for each job."""
    return sum(1 for _ in folder.rglob(".hydra/overrides.yaml"))
