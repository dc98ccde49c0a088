"""Removal: a study with all that belongs to it, or the telling of what that would be."""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from qa_sweep.errors import OutputError, StudyError
from qa_sweep.sweep.lease import TIMEOUT_S, LeaseObserver, LeaseStore, describe_worker
from qa_sweep.sweep.lock import SUFFIX
from qa_sweep.sweep.studies import Studies, StudyOnDisk

_LOOK_INTERVAL_S = 0.2
_N_SIZES = 6


@dataclass(frozen=True)
class Removal:
    """What is to be removed of a study; `folder` is None where it stays or there is none."""

    studies: Studies
    study: StudyOnDisk
    folder: Path | None

    @staticmethod
    def of(studies: Studies, name: str, *, keep_folder: bool) -> "Removal":
        """Raises StudyError where there is no such study."""
        removal = Removal(studies, studies.find(name), studies.results / name)
        has_folder = removal._is_of_a_sweep and (studies.results / name).is_dir()
        return removal if has_folder and not keep_folder else replace(removal, folder=None)

    def describe(self) -> str:
        """What would be removed, and what stays."""
        study, n_running = self.study, len(self._running())
        lines = [
            f"study {study.name}: {len(study.all_trials)} trials in {self.studies.shown_url}",
            *([f"running: {n_running}; none must be at work then"] if n_running else []),
            f"folder: {_describe(self.folder) if self.folder else self._why_no_folder()}",
        ]
        if self._is_of_a_sweep:
            beside = [str(path) for path in (*self._leases(), *self._locks()) if path.exists()]
            lines += [f"leases and locks: {', '.join(beside)}"] if beside else []
            lines.append(
                "not removed: Aim's runs of it; Aim's pages find and delete them "
                f"(run.study.name == {study.name!r})"
            )
        return "\n".join(lines)

    def carry_out(self) -> None:
        """Remove it; of an interrupted removal the study is left, so that it can be repeated.

        Raises StudyError where a trial is worked on, OutputError where a file cannot be removed.
        """
        storage, name = self.studies.storage, self.study.name
        if not self._is_of_a_sweep:
            optuna.delete_study(study_name=name, storage=storage.backend)
            return
        self._check_idle()
        with storage.lock(name):
            _remove([*([self.folder] if self.folder else []), *self._leases()])
            optuna.delete_study(study_name=name, storage=storage.backend)
        _remove(self._locks())
        if name + SUFFIX in optuna.get_all_study_names(storage.backend):
            optuna.delete_study(study_name=name + SUFFIX, storage=storage.backend)

    @property
    def _is_of_a_sweep(self) -> bool:
        """Whether what has the study's name on disk is the study's: a sweep refuses odd names."""
        name = self.study.name
        is_plain = Path(name).name == name and not name.startswith(".")
        return is_plain and self.study.identity is not None

    def _running(self) -> list[int]:
        return [t.number for t in self.study.all_trials if t.state is TrialState.RUNNING]

    def _leases(self) -> list[Path]:
        beside = self.studies.storage.beside
        return [beside / self.study.name] if beside is not None else []

    def _locks(self) -> list[Path]:
        beside = self.studies.storage.beside
        return [beside / (self.study.name + SUFFIX)] if beside is not None else []

    def _check_idle(self) -> None:
        leases, running = self.studies.storage.leases(self.study.name), self._running()
        if running:
            print("looking for signs of life of its workers, for up to a minute", flush=True)
        number = find_worked_on(running, leases)
        if number is not None:
            worker = describe_worker(leases.read(number))
            raise StudyError(
                f"no trial of study {self.study.name} must be at work, but trial {number} is"
                f"{f' (worker {worker})' if worker else ''}; stop its sweep first: Ctrl-C"
            )

    def _why_no_folder(self) -> str:
        if not self._is_of_a_sweep:
            return "none, since no sweep made the study"
        folder = self.studies.results / self.study.name
        return f"{folder} stays" if folder.exists() else f"{folder} is not there; see --results"


def find_worked_on(
    numbers: Sequence[int], leases: LeaseStore, timeout_s: float = TIMEOUT_S
) -> int | None:
    """One of the trials whose worker lives; watches until one shows, or all prove dead."""
    observer = LeaseObserver(leases, timeout_s)
    first = {number: leases.read(number) for number in numbers}
    while left := [number for number in numbers if not observer.is_dead(number)]:
        for number in left:
            if leases.read(number) != first[number]:
                return number
        time.sleep(_LOOK_INTERVAL_S)
    return None


def _describe(folder: Path) -> str:
    """`results/s, 1.2 GB (3: 0.9 GB, 0: 0.3 GB)`, the largest first."""
    sizes = {entry.name: _size(entry) for entry in folder.iterdir()}
    largest = sorted(sizes, key=lambda name: -sizes[name])
    shown = [f"{name}: {_in_words(sizes[name])}" for name in largest[:_N_SIZES]]
    more = [f"{len(largest) - _N_SIZES} more"] if len(largest) > _N_SIZES else []
    return f"{folder}, {_in_words(sum(sizes.values()))} ({', '.join([*shown, *more])})"


def _size(path: Path) -> int:
    """Bytes of the files at and under `path`; what links lead to does not count."""
    if path.is_symlink() or not path.is_dir():
        return _n_bytes(path)
    return sum(_n_bytes(Path(where, file)) for where, _, files in os.walk(path) for file in files)


def _n_bytes(path: Path) -> int:
    with suppress(OSError):  # a trial at work removes its old checkpoints
        return path.lstat().st_size
    return 0


def _in_words(n_bytes: int) -> str:
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    size, units = n_bytes / 1000, iter(("kB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 999.95:
        size, unit = size / 1000, next(units, unit)
    return f"{size:.1f} {unit}"


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} must be removable, but: {error}; remove it yourself, then try again"
            ) from error
