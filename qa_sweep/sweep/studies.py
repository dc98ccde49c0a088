"""Studies on disk: finding one by name, or the latest."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import optuna

from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.storage import SQLITE_FILE, default_storage_url, open_storage
from qa_sweep.sweep.study import check_identity, known_identity
from qa_sweep.sweep.summary import Leaderboard
from qa_sweep.sweep.tickets import without_retried


@dataclass(frozen=True)
class StudyOnDisk:
    """A study beside its results."""

    name: str
    leaderboard: Leaderboard
    results: Path

    def folder(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.results / self.name / str(number)

    def best_folder(self) -> Path:
        """The run folder of the best trial. Raises StudyError where none is complete."""
        best = self.leaderboard.best
        if best is None:
            raise StudyError(f"study {self.name} has no complete trial yet")
        return self.folder(best.number)


def find_study(results: Path, name: str | None = None, storage: str | None = None) -> StudyOnDisk:
    """The study `name`, or the one that was worked on last.

    `storage` is the database's URL where that is not the SQLite file in `results`. Raises
    StudyError where there is no such study.
    """
    if storage is None and not (results / SQLITE_FILE).exists():
        raise StudyError(
            f"{results} holds no studies; run `python -m qa_sweep -m` there first, "
            "or name the folder: --results DIR"
        )
    opened = open_storage(storage or default_storage_url(results)).backend
    names = optuna.get_all_study_names(opened)
    if name is not None and name not in names:
        raise StudyError(f"study {name} is not in {results}, which holds {', '.join(names)}")
    studies = [
        optuna.load_study(study_name=known, storage=opened)
        for known in ([name] if name is not None else names)
    ]
    if not studies:
        raise StudyError(f"{results} holds no studies")
    study = max(studies, key=_last_worked_on)
    trials = without_retried(study.get_trials(deepcopy=False))
    leaderboard = Leaderboard.of(trials, known_identity(study).objectives)
    return StudyOnDisk(study.study_name, leaderboard, results)


def load_if_there(url: str, name: str, identity: Identity) -> optuna.Study | None:
    """The study `name`, or None; nothing is made where there is none.

    Raises StudyError where it was made with other settings.
    """
    path = _file_of(url)
    if path is not None and not path.exists():
        return None
    storage = open_storage(url).backend
    if name not in optuna.get_all_study_names(storage):
        return None
    study = optuna.load_study(study_name=name, storage=storage)
    check_identity(study, identity)
    return study


def _file_of(url: str) -> Path | None:
    """The file that the URL names; None where it names a server."""
    kind, _, path = url.partition(":///")
    return Path(path) if kind in ("sqlite", "journal") else None


def _last_worked_on(study: optuna.Study) -> datetime:
    starts = [trial.datetime_start for trial in study.get_trials(deepcopy=False)]
    return max((start for start in starts if start is not None), default=datetime.min)
