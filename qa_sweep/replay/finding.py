"""Finding the run that is meant, and a folder for its repetition."""

from itertools import count
from pathlib import Path

from qa_sweep.errors import OutputError, StudyError
from qa_sweep.run_files import RESULT_FILE

REPLAYS = "replays"  # folder beside those of the studies


def find_run(run: str, results: Path, storage: str | None = None) -> Path:
    """The folder that `run` means: a run folder, STUDY/N, or trial N of the latest study.

    Raises StudyError where there is none.
    """
    for folder in (Path(run), results / run):
        if (folder / RESULT_FILE).is_file():
            return folder
    if run.isdecimal():
        from qa_sweep.sweep.studies import find_study

        folder = find_study(results, None, storage).folder(int(run))
        if (folder / RESULT_FILE).is_file():
            return folder
    for folder in (Path(run), results / run):
        if folder.is_dir():
            raise StudyError(
                f"{folder} must be the folder of a finished run, but has no {RESULT_FILE}; name "
                f"another run"
            )
    raise StudyError(
        f"{run} must be the folder of a finished run, STUDY/N, or N of the latest study, but is "
        f"none of them; `python -m qa_sweep.report` shows the latest study"
    )


def free_folder(run: Path, results: Path, wanted: Path | None) -> Path:
    """The folder `wanted`, or one named after the `run` that is not there yet.

    Raises OutputError where the wanted one is not empty.
    """
    if wanted is None:
        name = "-".join(run.absolute().parts[-2:])
        numbered = (f"{name}-{number}" for number in count(1))
        return next(path for each in numbered if not (path := results / REPLAYS / each).exists())
    if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
        raise OutputError(f"--to must be a new folder, but {wanted} is there; name another one")
    return wanted
