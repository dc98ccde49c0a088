"""Where leases are kept: in files beside the study's storage, or in the storage itself."""

import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage

_LEASE = "lease"  # a system attribute of the trial, as its user need not see it


class LeaseFiles:
    """A file a trial, in `folder`; writing one costs no transaction."""

    beat_interval_s = 1.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, number: int) -> dict[str, Any]:
        try:
            return _as_lease(self._path(number).read_text())
        except OSError:
            return {}

    def write(self, number: int, content: Mapping[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(number)
        temporary = path.with_suffix(f".{uuid.uuid4().hex}")
        try:
            temporary.write_text(json.dumps(content))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, number: int) -> None:
        for path in self._folder.glob(f"{number}.*"):  # and what a writer that died left half done
            path.unlink(missing_ok=True)

    def numbers(self) -> set[int]:
        return {int(path.name.partition(".")[0]) for path in self._folder.glob("[0-9]*.*")}

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"


class LeaseAttributes:
    """An attribute of the trial, for machines that share no folder but a database."""

    beat_interval_s = 5.0

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id

    def read(self, number: int) -> dict[str, Any]:
        content = self._storage.get_trial(self._trial_id(number)).system_attrs.get(_LEASE)
        return content if isinstance(content, dict) else {}

    def write(self, number: int, content: Mapping[str, Any]) -> None:
        self._storage.set_trial_system_attr(self._trial_id(number), _LEASE, dict(content))

    def remove(self, number: int) -> None:
        with suppress(UpdateFinishedTrialError):  # that of a finished trial means nothing
            self._storage.set_trial_system_attr(self._trial_id(number), _LEASE, {})

    def numbers(self) -> set[int]:
        return set()  # it goes with its trial

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


class LeaseLink:
    """One lease as a symbolic link that leads nowhere: its target is what the lease says.

    A link is made whole and only where there is none, on any file system: who makes it has a lock.
    """

    beat_interval_s = float("inf")

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, _number: int = 0) -> dict[str, Any]:
        try:
            target, when = os.readlink(self._path), self._path.lstat().st_mtime_ns
        except OSError:
            return {}
        return {**_as_lease(target), "target": target, "when": when}

    def write(self, _number: int, content: Mapping[str, Any]) -> None:
        """Raises FileExistsError where there is one."""
        os.symlink(json.dumps(content), self._path)

    def remove(self, _number: int = 0) -> None:
        self._path.unlink(missing_ok=True)

    def numbers(self) -> set[int]:
        return set()


def _as_lease(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
