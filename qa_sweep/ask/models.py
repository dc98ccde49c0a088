"""Models: which one answers."""

from dataclasses import dataclass
from pathlib import Path

from qa_sweep.ask.text_files import path_of
from qa_sweep.errors import ModelError, StudyError
from qa_sweep.run_files import MODEL_FOLDER

_DEFAULT_STORAGE = "studies.db"  # in the folder of results


@dataclass(frozen=True)
class ChosenModel:
    """What is loaded, and the run that it is of."""

    path: str  # folder or hub name
    run_folder: Path | None = None  # None for a model of elsewhere
    run_hash: str | None = None  # of the run in Aim, where the study names it

    @property
    def name(self) -> str:
        return self.path if self.run_folder is None else str(self.run_folder)


def choose_best(results: Path, study: str | None, storage: str | None) -> ChosenModel:
    """That of the best trial of a study, by default the study that was worked on last.

    Raises StudyError where there is none, ModelError where the model is gone.
    """
    if storage is None and not (results / _DEFAULT_STORAGE).exists():
        # Found out before Optuna is imported, which takes a second.
        raise StudyError(
            f"{results} holds no studies; run `python -m qa_sweep -m` there first, name another "
            f"place with --results DIR or --storage URL, or a model with --model"
        )
    from qa_sweep.accord import AIM_RUN
    from qa_sweep.sweep.studies import find_study

    found = find_study(results, study, storage)
    chosen = choose_named(str(found.best_folder()))
    best = found.leaderboard.best
    assert best is not None
    return ChosenModel(chosen.path, chosen.run_folder, best.user_attrs.get(AIM_RUN))


def choose_named(given: str) -> ChosenModel:
    """That of a run folder or model folder, or one of the hub, which is not looked for here.

    Raises ModelError where a folder is meant that is missing or holds no model.
    """
    folder = path_of(given)
    if not folder.exists():
        if _is_meant_as_folder(given):
            raise ModelError(
                f"the model must be a run folder, a model folder or a name on the hub, "
                f"but there is no {given}; correct the path"
            )
        return ChosenModel(given)
    for path, run_folder in ((folder / MODEL_FOLDER, folder), (folder, _run_folder(folder))):
        if (path / "config.json").is_file():
            return ChosenModel(str(path), run_folder)
    raise ModelError(
        f"{given} must be a run folder or a model folder, but holds no model (no config.json); "
        f"a run that was pruned, or has failed, keeps none"
    )


def _run_folder(model_folder: Path) -> Path | None:
    """The run folder that a model folder is part of."""
    is_part = model_folder.name == MODEL_FOLDER and (model_folder.parent / ".hydra").is_dir()
    return model_folder.parent if is_part else None


def _is_meant_as_folder(given: str) -> bool:
    """Whether it cannot be a hub name, `owner/name`, or begins with a folder that is there."""
    first, _, rest = given.partition("/")
    return given.startswith((".", "/", "~")) or "/" in rest or (bool(rest) and Path(first).is_dir())
