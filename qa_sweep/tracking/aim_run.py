"""Opens and closes runs of Aim, and lets go of them after a fault."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from aim.ext.cleanup import AutoClean
from aim.sdk.repo import ContainerConfig
from aim.sdk.reporter.file_manager import FileManager
from aim.sdk.run import Run
from aim.storage.structured.db import DB
from filelock import Timeout

from qa_sweep.tracking.aim_remote import release
from qa_sweep.tracking.aim_repo import RunRepo

AimRun = Any  # Aim's annotations are partial: half of its methods have none


def open_run(repo: RunRepo, run_hash: str) -> AimRun:
    """Open the run of `run_hash`, made where it is missing."""
    settings: dict[str, Any] = {
        "repo": repo,
        "system_tracking_interval": None,  # sampled by SystemMetrics
        "capture_terminal_logs": False,  # taken by LogLineHandler
        "log_system_params": False,  # recorded by software_record, without the environment
    }
    # A server keeps the lock of a killed client for minutes.
    run = Run.__new__(Run)
    try:
        begin_run(run, run_hash, settings | {"force_resume": repo.is_remote_repo})
    except Exception:
        let_go(repo, run)  # half made, it has threads already
        raise
    keep_from_exit(repo, run)
    return run


def begin_run(run: AimRun, run_hash: str, settings: dict[str, Any]) -> None:
    try:
        run.__init__(run_hash, **settings)
    except Timeout:
        # Locked by a process that died on another machine, where Aim cannot tell. If it lives
        # after all, RocksDB's own lock keeps the two apart.
        run.__init__(run_hash, **settings | {"force_resume": True})
    quieten(run)


class SignsOfLife(FileManager):
    """The files by which a UI sees that a run is at work; one that is not written is no loss."""

    def __init__(self, files: FileManager) -> None:
        self._files = files

    def poll(self, pattern: str) -> str | None:
        found: str | None = self._files.poll(pattern)
        return found

    def touch(self, filename: str, cleanup_file_pattern: str | None = None) -> None:
        with suppress(Exception):
            self._files.touch(filename, cleanup_file_pattern)


def quieten(run: AimRun) -> None:
    """Keep Aim's threads from dying aloud of a repo that cannot be written any more.

    `Run.close` would wait for them without end.
    """
    run._checkins.file_manager = SignsOfLife(run._checkins.file_manager)
    run._heartbeat.touch_path = None


def close_run(run: AimRun, ended_at: float) -> None:
    """Close a run and what is open of it.

    `Run.close` leaves that to the garbage collector, which would hide a failed write and lets the
    run look active until then.

    Raises:
        OSError: the repo was removed while the run was written.
    """
    repo, tree = run.repo, run.meta_run_tree
    held = resources(repo, run)  # what the client forgets, it cannot release
    run.close()  # at the present time
    tree["end_time"] = ended_at
    if repo.is_remote_repo:
        release(repo._client, held)
        return
    for name in ("meta", "seqs"):
        repo.container_pool.pop(ContainerConfig(name, run.hash, False)).close()
    if not (Path(repo.path) / "meta" / "chunks" / run.hash / "CURRENT").exists():
        raise FileNotFoundError(f"{repo.path} was removed while the run was written")
    close_database(repo)


def close_database(repo: RunRepo) -> None:
    """Its connections would stay open, one of each run, until the garbage collector comes."""
    database = repo.structured_db
    DB._pool.pop(repo.path, None)  # its connections may be to files that are gone
    database.session_cls.remove()
    database.engine.dispose()


def end_time(repo: RunRepo, run_hash: str) -> float | None:
    """When a run was closed; opening it for writing forgets it."""
    tree = repo.request_tree("meta", run_hash, read_only=True, skip_read_optimization=True)
    ended_at: float | None = tree.subtree(("meta", "chunks", run_hash)).get("end_time", None)
    return ended_at


def keep_from_exit(repo: RunRepo, run: AimRun) -> None:
    """Keep Aim from closing at exit what is closed by us.

    Its clean-up waits there for ever for a server that hangs, and after an exception for nothing
    (`aim.ext.cleanup.AutoClean.cleanup`).
    """
    finalizers: Any = AutoClean._finalizers
    for resource in resources(repo, run):
        finalizers.pop(resource, None)


def let_go(repo: RunRepo, run: AimRun) -> None:
    """Drop, without closing it, what is open in `repo`; nothing is waited for.

    A database that has had a failed write must not be met again: it takes later writes and stores
    none of them. And Aim's threads may hang on the very fault.
    """
    for resource in resources(repo, run):
        resource._resources.finalizer.detach()
    keep_from_exit(repo, run)
    if getattr(run, "_heartbeat", None) is not None:
        end_threads(run)
    if repo.is_remote_repo:
        repo._client._heartbeat_sender._shutdown = True
        return
    for container in list(repo.container_pool.values()):
        container._db = None
    repo.container_pool.clear()
    close_database(repo)
    if getattr(run, "_lock", None) is not None:
        with suppress(OSError):
            run._lock.release(force=True)


def end_threads(run: AimRun) -> None:
    """Have Aim's threads end by themselves, without a last sign of life."""
    quieten(run)
    run._checkins.check_in = lambda **_: None
    run._checkins.stop_signal.set()
    run._checkins.instances.discard(run._checkins)
    if not run.repo.is_remote_repo:
        run._heartbeat.stop_signal.set()


def resources(repo: RunRepo, run: AimRun) -> list[Any]:
    """What Aim would close by itself: first what is open in the repo, then the run and the repo."""
    open_ones = repo._client._resource_pool if repo.is_remote_repo else repo.container_pool
    everything = [*list(open_ones.values()), run, repo]
    return [resource for resource in everything if getattr(resource, "_resources", None)]
