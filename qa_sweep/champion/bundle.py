"""Bundle: the folder of a champion: model, tokenizer, card, and where they are from."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_sweep import __version__
from qa_sweep.champion.choice import Champion
from qa_sweep.champion.scores import MeanScores, mean_scores
from qa_sweep.errors import OutputError, StudyError
from qa_sweep.files import write_json, write_text
from qa_sweep.model_card import CARD_FILE, ModelCard, last_part
from qa_sweep.run_files import MODEL_FOLDER

CHAMPION_FILE = "champion.json"  # by which a bundle is known
_SECTIONS = ("model", "data", "trainer", "evaluation", "seed")


@contextmanager
def bundle_at(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside `target`; when the body ends well, it takes its place.

    If the body raises, nothing is left behind. Raises OutputError where `target` is something else
    than an empty folder or an earlier bundle.
    """
    target = target.resolve()
    _check_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield temporary
        _take_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def fill(folder: Path, champion: Champion, path: str) -> None:
    """Write all of it but what is exported; `path` is what the card says to load it by."""
    source = champion.record.folder / MODEL_FOLDER
    if not (source / "config.json").is_file():
        raise StudyError(
            f"{source} must be the run's model, but is not there; choose another trial"
        )
    link = next((path for path in source.rglob("*") if path.is_symlink()), None)
    if link is not None:  # what it leads to would be copied, and perhaps shared
        raise StudyError(f"{source} must hold files alone, but {link.name} is a link; remove it")
    scores = mean_scores(champion.record.folder)
    try:
        shutil.copytree(source, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
        write_text(folder / CARD_FILE, _card(folder, champion, scores, path).text())
        write_json(folder / CHAMPION_FILE, _origin(champion, scores))
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _card(folder: Path, champion: Champion, scores: MeanScores, path: str) -> ModelCard:
    model = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return ModelCard(
        champion.record.config,
        champion.record.result,
        n_questions=scores.n_questions,
        mark_overlap=bool(model.get("mark_overlap")),
        path=path,
        intervals=scores.intervals,
        found=tuple(champion.how_found()),
    )


def _origin(champion: Champion, scores: MeanScores) -> dict[str, Any]:
    """Where the model is from, for programs; without paths of this machine."""
    result = champion.record.result
    kept = ("metrics", "decision", "kinds", "n_examples", "data_fingerprint", "data_revision")
    return {
        "qa_sweep": __version__,
        "study": champion.study.name,
        "trial": champion.number,
        "params": champion.trial.params,
        "verdict": champion.verdict,
        **{name: result.get(name) for name in (*kept, "model_revision", "device", "versions")},
        "intervals": {name: [each.low, each.high] for name, each in scores.intervals.items()},
        "config": {name: _public(result["config"].get(name)) for name in _SECTIONS},
    }


def _public(settings: Any) -> Any:
    """Settings with no more than the end of each path."""
    if not isinstance(settings, Mapping):
        return settings
    return {
        name: last_part(value) if name.endswith("path") and isinstance(value, str) else value
        for name, value in settings.items()
    }


def _check_free(target: Path) -> None:
    is_free = not target.exists() or (target.is_dir() and not any(target.iterdir()))
    if not is_free and not (target / CHAMPION_FILE).is_file():
        raise OutputError(
            f"--to must be a new folder or an earlier bundle, but {target} holds something else; "
            f"name another folder"
        )


def _take_place(temporary: Path, target: Path) -> None:
    """Rename the bundle; an earlier one goes only when the new one is there."""
    try:
        temporary.chmod(0o755)  # mkdtemp's folders are the owner's alone
        if not target.exists():
            temporary.rename(target)
            return
        earlier = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        target.rename(earlier)  # onto an empty folder
        try:
            temporary.rename(target)
        except OSError:
            earlier.rename(target)
            raise
        shutil.rmtree(earlier, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(target, error) from error


def _cannot_write(target: Path, error: OSError) -> OutputError:
    return OutputError(f"{target} cannot be written: {error.strerror or error}")
