"""Engine: workers as jobs of whichever Hydra launcher is configured: Slurm, Ray, joblib, …

A launcher's word on its jobs is never trusted: as long as there is work in the study, a worker
whose job is over is launched again.
"""

import logging
import time
from collections.abc import Callable, Sequence

from qa_sweep.disk import DiskFull
from qa_sweep.errors import StudyError
from qa_sweep.sweep.launch import Engine, Launch
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.slurm import cancel_jobs, living_jobs
from qa_sweep.sweep.stop_flag import StopFlag

log = logging.getLogger(__name__)

_DEATHS_IN_A_ROW = 2  # of each worker, on average, before we give up
_SOON_S = 60.0  # what ends so soon was launched wrongly; later on machines are lost and time is up
_GRACE_S = 60.0  # for workers to see the stop flag and hand their tickets back
_PATIENCE_S = 900.0  # with jobs that have nothing left to do: launchers take minutes to see an end
_POLL_INTERVAL_S = 0.2
_DISMISS_INTERVAL_S = 30.0


class EngineWorkers:
    """A context manager that keeps a job of the `engine` at work for each of the `roles`.

    `flag` is how they are told to stop, since no signal reaches another machine.
    """

    patience_s = _PATIENCE_S

    def __init__(self, engine: Engine, roles: Sequence[WorkerRole], flag: StopFlag) -> None:
        self._engine = engine
        self._roles = list(roles)
        self._flag = flag
        self._launches: dict[WorkerRole, Launch] = {}
        self._n_deaths = 0
        self._dismissed_at = float("-inf")

    def __enter__(self) -> "EngineWorkers":
        try:
            for role in self._roles:
                self._launches[role] = self._engine.launch(role)
        except BaseException:  # what was launched does not end with us
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop those that are left; each hands its ticket back."""
        if all(launch.is_over for launch in self._launches.values()):
            return
        try:
            self._flag.stop()
            self._dismiss_waiting()
            self._await_end()
        finally:
            self._cancel_left()

    @property
    def any_ended(self) -> bool:
        return any(launch.is_over for launch in self._launches.values())

    def tend(self, has_work: Callable[[], bool]) -> bool:
        """Launch those that ended again, where there is work for them; return whether any is left.

        Raises StudyError where workers keep dying, and DiskFull where they have no room.
        """
        is_needed = has_work()
        for role, launch in list(self._launches.items()):
            if not launch.is_over:
                continue
            del self._launches[role]
            self._count_death(role, launch)
            if is_needed:
                self._launches[role] = self._engine.launch(role)
        if not is_needed and time.monotonic() - self._dismissed_at > _DISMISS_INTERVAL_S:
            self._dismiss_waiting()
            self._dismissed_at = time.monotonic()
        return bool(self._launches)

    def drain(self) -> None:
        """Have each worker finish its trial and take no other."""
        self._flag.drain()

    def reset_deaths(self) -> None:
        """Work gets done: the deaths until now were not the workers' habit."""
        self._n_deaths = 0

    def _count_death(self, role: WorkerRole, launch: Launch) -> None:
        error = launch.error
        if error is None:
            return
        if isinstance(error, DiskFull):
            raise error
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        log.warning("the job of worker %s ended early (%s)", role.index, reason)
        if launch.age_s < _SOON_S or isinstance(error, StudyError):
            self._n_deaths += 1
        if self._n_deaths > _DEATHS_IN_A_ROW * len(self._roles):
            raise StudyError(f"workers keep dying ({reason}); see {role.log.parent}")

    def _dismiss_waiting(self) -> None:
        """Take what still waits in Slurm's queue out of it, which may be hours before it runs."""
        jobs = {role: launch.slurm_jobs for role, launch in self._launches.items()}
        known = set().union(*jobs.values())
        cancel_jobs(known, waiting_only=True)
        living = living_jobs(known) if known else known
        for role, ids in jobs.items():
            if ids and not ids & living:  # submitit may take minutes to see it
                del self._launches[role]

    def _await_end(self) -> None:
        deadline = time.monotonic() + _GRACE_S
        while self._left() and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL_S)

    def _cancel_left(self) -> None:
        left = self._left()
        cancel_jobs(set().union(*(launch.slurm_jobs for launch in left)))
        if left:
            log.warning(
                "%d workers have not ended within %.0f s; jobs of Slurm's were cancelled, and all "
                "others end as soon as they see that they are to stop",
                len(left),
                _GRACE_S,
            )

    def _left(self) -> list[Launch]:
        return [launch for launch in self._launches.values() if not launch.is_over]
