"""Records: each trial with the runs that Aim has of it, and the runs that are of no trial."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from optuna.trial import FrozenTrial, TrialState

from qa_sweep.accord import AIM_RUN
from qa_sweep.sweep.lease import LeaseObserver
from qa_sweep.sweep.studies import Studies, StudyOnDisk
from qa_sweep.sweep.tickets import without_retried
from qa_sweep.tracking.markup import without_markup
from qa_sweep.tracking.reader import RunSummary, UnreadableRun, known_hashes
from qa_sweep.tracking.run_lock import is_held
from qa_sweep.tracking.settling import is_at_work

TrialKey = tuple[str, int]  # study's name and trial's number

# In C, where PyYAML was built with it: a tenth of the time of many trials.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class TrialRecord:
    """A trial of a sweep, its run, and further runs that say that they are of it."""

    study: StudyOnDisk
    trial: FrozenTrial
    run: RunSummary | None
    others: tuple[RunSummary, ...]
    is_worked_on: bool

    @property
    def title(self) -> str:
        return f"study {self.study.name}, trial {self.trial.number}"

    @property
    def folder(self) -> Path:
        return self.study.folder(self.trial.number)

    @property
    def is_untracked(self) -> bool:
        return self.trial.state.is_finished() and self.run is None and self.run_hash is None

    @property
    def tracked_in(self) -> str | None:
        """The setting `tracking.repo` of its job, where that is another than the usual one."""
        try:
            config = yaml.load((self.folder / ".hydra/config.yaml").read_text(), _SafeLoader)
            address = config["tracking"]["repo"]
        except (OSError, yaml.YAMLError, LookupError, TypeError):
            return None
        return address if isinstance(address, str) and address != "." else None

    @property
    def run_hash(self) -> str | None:
        """The run that the trial names, whether it is there or not."""
        return self.trial.user_attrs.get(AIM_RUN)


@dataclass(frozen=True)
class Records:
    """The studies of `studies`, seen beside the runs of the Aim repo in `repo`."""

    repo: str
    studies: Studies
    known: Sequence[StudyOnDisk]
    runs: Sequence[RunSummary]
    unreadable: Sequence[UnreadableRun]
    name: str | None = None  # of the study that is looked at; None: all, and single runs
    is_repo_named: bool = False  # by the user: then it stands for whichever repo was meant

    @property
    def chosen(self) -> list[StudyOnDisk]:
        return [study for study in self.known if self.name in (None, study.name)]

    @property
    def trials(self) -> Iterator[TrialRecord]:
        for study in self.chosen:
            leases = LeaseObserver(self.studies.storage.leases(study.name), math.inf)
            for trial in without_retried(study.all_trials):  # a retry goes on in the same run
                own, others = self._runs_of(study, trial)
                runs_on = trial.state is TrialState.RUNNING and not leases.is_dead(trial.number)
                worked_on = runs_on or is_at_work(study.folder(trial.number))
                yield TrialRecord(study, trial, own, others, worked_on)

    @property
    def homeless(self) -> list[RunSummary]:
        """Runs that were made in this folder of results by a study or trial that is not there."""
        return [
            run
            for run in self.runs
            if run.hash not in self._key_of and self.is_ours(run) and place_of(run)[0] != ""
        ]

    @property
    def single(self) -> list[RunSummary]:
        """Runs outside studies, and runs that scripts have tracked."""
        if self.name is not None:
            return []
        return [
            run
            for run in self.runs
            if run.hash not in self._key_of
            and run.status is not None
            and place_of(run)[0] == ""
            and (self.is_ours(run) or "study" not in run.params)
        ]

    @property
    def of_choice(self) -> list[RunSummary]:
        """The runs of what is looked at; of all, also those that nothing here has made."""
        if self.name is None:
            return list(self.runs)
        return [run for run in self.runs if self._study_of(run.hash) == self.name]

    @property
    def unreadable_of_choice(self) -> list[UnreadableRun]:
        return [
            run
            for run in self.unreadable
            if self.name in (None, self._study_of(run.hash)) and not is_held(self.repo, run.hash)
        ]

    @cached_property
    def hashes_by_now(self) -> set[str]:
        """Of all runs in the repo, also of those that came after the others had been read."""
        return known_hashes(self.repo)

    @property
    def n_elsewhere(self) -> int:
        """How many runs were made in other folders of results."""
        return sum(
            folder_of(run) is not None and run.hash not in self._key_of and not self._is_here(run)
            for run in self.of_choice
        )

    def is_ours(self, run: RunSummary) -> bool:
        """Whether the run was made in this folder of results, by what is looked at."""
        return self._is_here(run) and self.name in (None, place_of(run)[0])

    def is_worked_on(self, run: RunSummary) -> bool:
        folder = folder_of(run)
        return (folder is not None and is_at_work(folder)) or is_held(self.repo, run.hash)

    def _study_of(self, run_hash: str) -> str | None:
        key = self._key_of.get(run_hash)
        return key[0] if key is not None else None

    def _runs_of(
        self, study: StudyOnDisk, trial: FrozenTrial
    ) -> tuple[RunSummary | None, tuple[RunSummary, ...]]:
        runs = self._runs_by_key.get((study.name, trial.number), [])
        named = trial.user_attrs.get(AIM_RUN)
        own = [run for run in runs if run.hash == named] or (runs[-1:] if named is None else [])
        return (own[0] if own else None), tuple(run for run in runs if run not in own)

    @cached_property
    def _runs_by_key(self) -> Mapping[TrialKey, list[RunSummary]]:
        runs = defaultdict(list)
        for run in self.runs:
            if run.hash in self._key_of:
                runs[self._key_of[run.hash]].append(run)
        return runs

    @cached_property
    def _key_of(self) -> Mapping[str, TrialKey]:
        """The trial of each run that has one: the trial names the run, or the run the trial."""
        keys = {
            trial.user_attrs[AIM_RUN]: (study.name, trial.number)
            for study in self.known
            for trial in study.all_trials
            if AIM_RUN in trial.user_attrs
        }
        numbers = {study.name: len(study.all_trials) for study in self.known}
        for run in self.runs:
            name, number = place_of(run)
            is_known = 0 <= number < numbers.get(name, 0)
            if is_known and run.hash not in keys and self._is_here(run):
                keys[run.hash] = name, number
        return keys

    def _is_here(self, run: RunSummary) -> bool:
        folder = folder_of(run)
        results = Path(without_markup(str(self.studies.results.resolve())))  # as runs name it
        return folder is not None and results in folder.parents


def place_of(run: RunSummary) -> TrialKey:
    """Name of the study and number of the trial that the run says it is of; "" and -1 for none."""
    study = run.params.get("study")
    if not isinstance(study, Mapping):
        return "", -1
    name, number = study.get("name"), study.get("trial")
    return (name, number) if isinstance(name, str) and isinstance(number, int) else ("", -1)


def folder_of(run: RunSummary) -> Path | None:
    study = run.params.get("study")
    folder = study.get("folder") if isinstance(study, Mapping) else None
    return Path(folder).resolve() if isinstance(folder, str) else None
