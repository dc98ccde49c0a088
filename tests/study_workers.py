"""Processes that share a study, forked from one that has imported everything."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.storages import run_grpc_proxy_server
from servers import PASSWORD

from qa_sweep.sweep import journal, lease, lock, worker
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.lease_stores import LeaseAttributes
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.signals import StopRequest, heeding_signals
from qa_sweep.sweep.space import Space, read_space
from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.study import StudyPlan, SweepStudy
from qa_sweep.sweep.worker import Worker

OBJECTIVES = (Objective("objective", "minimize"),)
NAME = "s"


@dataclass(frozen=True)
class Shared:
    """A study and how it is worked on; `ledger` gets a line for each job that is begun.

    A process of another `machine` cannot be seen to be dead.
    """

    url: str
    ledger: Path
    override: str = ""
    n_trials: int | None = None
    sampler: str = "grid"
    job_s: float = 0.0
    lease_timeout_s: float = 20.0
    machine: str = ""

    @property
    def space(self) -> Space:
        return read_space([OverridesParser.create().parse_override(self.override)])

    def open(self) -> SweepStudy:
        storage = open_storage(self.url, patience_s=60)
        study = open_study(storage, NAME, Identity.of(self.space, OBJECTIVES, {}))
        plan = StudyPlan(
            sampler=self.sampler,
            n_trials=self.n_trials,
            max_retries=1000,
            lease_timeout_s=self.lease_timeout_s,
        )
        return SweepStudy(study, self.space, storage, plan)

    def of(self, override: str, **settings: Any) -> "Shared":
        return replace(self, override=override, **settings)

    def on(self, machine: str) -> "Shared":
        return replace(self, machine=machine)

    def begun(self) -> list[int]:
        """The numbers of the trials whose jobs were begun, in order."""
        return [int(n) for n in self.ledger.read_text().split()] if self.ledger.exists() else []


@dataclass(frozen=True)
class _Runner:
    """Stands in for Hydra's jobs."""

    shared: Shared

    def run(self, number: int, overrides: list[str], _folder: Path) -> float:
        with self.shared.ledger.open("a") as ledger:
            ledger.write(f"{number}\n")
        time.sleep(self.shared.job_s)
        return float(overrides[0].partition("=")[2])


def work(shared: Shared) -> None:
    """Be a worker; SIGTERM has it hand its ticket back."""
    _prepare(shared)
    study = shared.open()
    runner: Any = _Runner(shared)
    with heeding_signals(StopRequest()) as request:
        Worker(study, shared.space, OBJECTIVES, runner, shared.ledger.parent).work(request)


def sweep(shared: Shared) -> None:
    """Be the process that watches over the workers, until the study is complete."""
    _prepare(shared)
    study = shared.open()
    study.reap()
    study.retry_failed()
    while study.has_open:
        study.reap()
        time.sleep(0.05)


def _prepare(shared: Shared) -> None:
    """Look and give signs of life often, as the jobs are short."""
    worker._POLL_INTERVAL_S = 0.05
    LeaseAttributes.beat_interval_s = 0.5
    lock._TIMEOUT_S = journal._TIMEOUT_S = 3.0
    _pretend_to_be_on(shared.machine)


def _pretend_to_be_on(machine: str) -> None:
    """Elsewhere, where nobody here can see whether our process lives; nothing for here."""
    if machine:
        lease._machine = lambda: machine


def count(url: str, path: Path, n_times: int) -> None:
    """Raise the number in the file `n_times`, each time under the study's lock."""
    guard = open_storage(url, patience_s=60).lock(NAME)
    for _ in range(n_times):
        with guard:
            number = int(path.read_text())
            time.sleep(0.005)
            path.write_text(str(number + 1))


def hold_lock(url: str, path: Path, machine: str) -> None:
    """Take the lock, say so by making a file, and keep it."""
    _pretend_to_be_on(machine)
    with open_storage(url, patience_s=60).lock(NAME):
        path.touch()
        time.sleep(600)


def serve_grpc(url: str, port: int) -> None:
    run_grpc_proxy_server(open_storage(url, patience_s=60).backend, host="127.0.0.1", port=port)


class Processes:
    """Starts processes, and kills those that are left in the end."""

    def __init__(self) -> None:
        tests = Path(__file__).parent
        os.environ["PYTHONPATH"] = f"{tests.parent}{os.pathsep}{tests}"
        os.environ["PGPASSWORD"] = PASSWORD
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["study_workers"])
        self._all: list[Any] = []

    def start(self, target: Any, *arguments: Any) -> Any:
        process = self._context.Process(target=target, args=arguments)
        process.start()
        self._all.append(process)
        return process

    @staticmethod
    def kill(*processes: Any) -> None:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def end(self) -> None:
        self.kill(*(process for process in self._all if process.is_alive()))


@contextmanager
def processes() -> Iterator[Processes]:
    started = Processes()
    try:
        yield started
    finally:
        started.end()
