"""Opens Aim's repo and runs, and lets go of them after a fault."""

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from aim.ext.cleanup import AutoClean
from aim.sdk.repo import ContainerConfig, Repo, RepoStatus
from aim.sdk.run import Run
from aim.storage.rockscontainer import RocksContainer
from filelock import Timeout

AimRun = Any  # Aim's annotations are partial: half of its methods have none

logging.getLogger("aim.sdk.reporter").setLevel(logging.WARNING)  # three lines of INFO a run

LOCK_TIMEOUT_S = 20  # Aim's own five minutes would hold up a run behind a dead process's lock


def open_repo(folder: str) -> Repo:
    """Open the Aim repo in `folder`, made where it is missing.

    Raises:
        OSError: the folder or repo cannot be written.
        RuntimeError: the repo was made by an Aim too old to be read.
    """
    if not Repo.exists(folder):
        make_repo(Path(folder))
    if Repo.check_repo_status(folder) is RepoStatus.UPDATE_REQUIRED:
        raise RuntimeError(f"the Aim repo in {folder} is unfinished or of an older Aim")
    repo: Repo = Repo.from_path(folder)
    repo._sdb_lock.timeout = LOCK_TIMEOUT_S
    return repo


def make_repo(folder: Path) -> None:
    """Make a repo aside and move it into place whole.

    Aim makes it file by file, and a second process that comes meanwhile takes it for an outdated
    one and fails; here the first to move wins, and the others find a finished repo.
    """
    folder.mkdir(parents=True, exist_ok=True)
    aside = tempfile.mkdtemp(prefix=".aim-", dir=folder)
    try:
        made = Repo(aside, init=True).path
        try:
            os.rename(made, folder / Path(made).name)
        except OSError:
            if not Repo.exists(str(folder)):
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def open_run(repo: Repo, experiment: str, run_hash: str | None) -> AimRun:
    """Open a new run, or continue the run of `run_hash` where the repo has it."""
    settings: dict[str, Any] = {
        "repo": repo,
        "experiment": experiment,
        "system_tracking_interval": None,  # sampled by SystemMetrics
        "capture_terminal_logs": False,  # taken by LogLineHandler
        "log_system_params": False,  # recorded by software_record, without the environment
    }
    Repo._all_run_hashes.cache_clear()  # it may miss a run of the last half second
    if run_hash is None or not repo.run_exists(run_hash):
        return Run(**settings)
    try:
        return Run(run_hash, **settings)
    except Timeout:
        # Locked by a process that died on another machine, where Aim cannot tell. If it lives
        # after all, RocksDB's own lock keeps the two apart.
        return Run(run_hash, force_resume=True, **settings)


def close_run(run: AimRun) -> None:
    """Close a run and its databases.

    `Run.close` leaves the databases to the garbage collector, which would hide a failed write and
    lets the run look active until then.
    """
    pool = run.repo.container_pool
    databases = [pool.pop(ContainerConfig(name, run.hash, False)) for name in ("meta", "seqs")]
    run.close()
    for database in databases:
        database.close()


def abandon(folder: str) -> None:
    """Drop, without closing it, what Aim has open in the repo in `folder`.

    Left to itself, Aim closes it at exit, where one exception in its clean-up thread leaves the
    main thread waiting for ever (`aim.ext.cleanup.AutoClean.cleanup`). A database that has had a
    failed write must not be met again either: it takes later writes and stores none of them.
    """
    finalizers: Any = AutoClean._finalizers
    for resource, (_, finalizer) in list(finalizers.items()):
        # a Repo, a RocksDB container, or a Run, which has no path but its repo's
        path = getattr(resource, "repo", resource).path
        if Path(folder) not in Path(path).parents:
            continue
        if isinstance(resource, Repo):
            resource.container_pool.clear()
            continue
        finalizer.detach()
        finalizers.pop(resource, None)
        if isinstance(resource, RocksContainer):
            resource._db = None


def abandon_run(run: AimRun) -> None:
    """Let go of a run that cannot be closed: its threads end and another attempt can continue it.

    Nothing is waited for: Aim's threads may hang on the very fault.
    """
    run._heartbeat.stop_signal.set()
    with suppress(OSError):
        run._lock.release(force=True)
