"""Studies on disk: finding one by name, or the latest."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import optuna
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.lock import SUFFIX
from qa_sweep.sweep.opening import check_identity, is_of_sweep, known_identity
from qa_sweep.sweep.storage import StudyStorage, default_storage_url, open_storage
from qa_sweep.sweep.storage_url import file_of, shown
from qa_sweep.sweep.summary import Leaderboard, as_typed
from qa_sweep.sweep.tickets import without_retried

DEFAULT_RESULTS = Path("results")  # of all commands


@dataclass(frozen=True)
class StudyOnDisk:
    """A study beside its results.

    `identity` is None where no sweep made the study: then it has neither leases nor a folder.
    """

    name: str
    results: Path
    objectives: tuple[Objective, ...]
    identity: Identity | None
    all_trials: tuple[FrozenTrial, ...]  # also those that were tried again as another trial
    # As `--storage` takes it; None: the SQLite file in `results`.
    storage: str | None = field(default=None, repr=False)

    @cached_property
    def leaderboard(self) -> Leaderboard:
        return Leaderboard.of(without_retried(self.all_trials), self.objectives)

    @property
    def last_worked_on(self) -> datetime | None:
        """When a trial was last begun or ended; None where none was."""
        times = [(trial.datetime_start, trial.datetime_complete) for trial in self.all_trials]
        return max((time for pair in times for time in pair if time is not None), default=None)

    @property
    def options(self) -> list[str]:
        """What a command must be told for it to find the study from the working directory."""
        is_default = self.results.resolve() == DEFAULT_RESULTS.resolve()
        results = [] if is_default else ["--results", as_typed(self.results)]
        storage = [] if self.storage is None else ["--storage", self.storage]
        return [*results, *storage]

    def folder(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.results / self.name / str(number)

    def best_folder(self) -> Path:
        """The run folder of the best trial. Raises StudyError where none is complete."""
        best = self.leaderboard.best
        if best is None:
            raise StudyError(f"study {self.name} has no complete trial yet")
        return self.folder(best.number)


@dataclass(frozen=True)
class Studies:
    """The studies of a storage, whoever made them, without those that serve as locks."""

    storage: StudyStorage
    url: str
    results: Path
    given_url: str | None = field(default=None, repr=False)  # `${…}` is not filled in there

    @property
    def shown_url(self) -> str:
        """The storage's URL without a password."""
        return shown(self.url)

    def names(self) -> list[str]:
        known = optuna.get_all_study_names(self.storage.backend)
        return [name for name in known if not name.endswith(SUFFIX)]

    def in_order(self) -> list[StudyOnDisk]:
        """All of them; the one that was worked on last comes last."""
        studies = [self._load(name) for name in self.names()]
        return sorted(studies, key=lambda study: study.last_worked_on or datetime.min)

    def find(self, name: str | None = None) -> StudyOnDisk:
        """The study `name`, or the sweep's study that was worked on last.

        Raises StudyError where there is no such study.
        """
        if name is None:
            return self._latest()
        names = self.names()
        if name not in names:
            known = f"which holds {', '.join(names)}" if names else "which holds no studies"
            raise StudyError(f"study {name} is not in {self.shown_url}, {known}")
        return self._load(name)

    def _latest(self) -> StudyOnDisk:
        studies = [study for study in self.in_order() if study.identity is not None]
        if not studies:
            raise StudyError(f"{self.shown_url} holds no study that was made by a sweep")
        return studies[-1]

    def _load(self, name: str) -> StudyOnDisk:
        study = optuna.load_study(study_name=name, storage=self.storage.backend)
        # Its folder is one of the results, as each that a sweep gives.
        is_ours = _stays_inside(name) and is_of_sweep(study)
        identity = known_identity(study) if is_ours else None
        trials = study.get_trials(deepcopy=False)
        if identity is not None:
            objectives = identity.objectives
            return StudyOnDisk(
                name, self.results, objectives, identity, tuple(trials), self.given_url
            )
        objectives = _plain_objectives(study)
        named = tuple(_with_named_values(trial, objectives) for trial in trials)
        return StudyOnDisk(name, self.results, objectives, None, named, self.given_url)


def open_studies(results: Path, storage: str | None = None) -> Studies:
    """The studies of the storage, which must exist.

    `storage` is its URL, in which `${oc.env:…}` is filled in, or None for the SQLite file in
    `results`. Raises StudyError where there is none.
    """
    url = storage_url(results, storage)
    path = file_of(url)
    if path is not None and not path.exists():
        where, option = (results, "--results DIR") if storage is None else (path, "--storage URL")
        raise StudyError(
            f"{where} holds no studies; run `python -m qa_sweep -m` there first, "
            f"or name another place: {option}"
        )
    return Studies(open_storage(url), url, results, storage)


def storage_url(results: Path, storage: str | None) -> str:
    """The URL as for `open_studies`. Raises StudyError where a variable is not set."""
    if storage is None:
        return default_storage_url(results)
    try:
        return str(OmegaConf.create({"url": storage}).url)
    except OmegaConfBaseException as error:
        raise StudyError(
            f"--storage must be a URL that can be filled in, but: {str(error).splitlines()[0]}"
        ) from error


def find_study(results: Path, name: str | None = None, storage: str | None = None) -> StudyOnDisk:
    """The study `name`, or the one that was worked on last; see `open_studies`.

    Raises StudyError where there is no such study, or no sweep made it.
    """
    study = open_studies(results, storage).find(name)
    if study.identity is None:
        raise StudyError(f"study {study.name} was not made by a sweep")
    return study


def load_if_there(url: str, name: str, identity: Identity) -> optuna.Study | None:
    """The study `name`, or None; nothing is made where there is none.

    Raises StudyError where it was made with other settings.
    """
    path = file_of(url)
    if path is not None and not path.exists():
        return None
    storage = open_storage(url).backend
    if name not in optuna.get_all_study_names(storage):
        return None
    study = optuna.load_study(study_name=name, storage=storage)
    check_identity(study, identity)
    return study


def _stays_inside(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _plain_objectives(study: optuna.Study) -> tuple[Objective, ...]:
    """The objectives of a study that no sweep made."""
    count = len(study.directions)
    numbered = [f"value {index}" for index in range(count)] if count > 1 else ["value"]
    directions = [
        "maximize" if direction is StudyDirection.MAXIMIZE else "minimize"
        for direction in study.directions
    ]
    return tuple(map(Objective, study.metric_names or numbered, directions))


def _with_named_values(trial: FrozenTrial, objectives: Sequence[Objective]) -> FrozenTrial:
    """The trial with its values where a sweep keeps them: among the attributes, by name."""
    if trial.state is not TrialState.COMPLETE:
        return trial
    named = copy.copy(trial)
    values = zip((objective.name for objective in objectives), trial.values, strict=True)
    named.user_attrs = {**trial.user_attrs, **dict(values)}
    return named
