"""What becomes of each file of a run that lost its end: an expectation for each name."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from optuna.trial import TrialState, create_trial

from qa_sweep.checkpoints import SEAL_FILE, check
from qa_sweep.errors import ModelError, StudyError
from qa_sweep.model import load_reader
from qa_sweep.report.predicted import read_texts
from qa_sweep.run_record import RunRecord
from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.tracking.spool import Spool, read_events

N_TAIL = 200  # bytes at the end of a small file
SMALL = 20_000

# Takes the path of the cut file, and whether it lacks no more than the last line's end.
Check = Callable[[Path, bool], None]


def refused(path: Path, reason: str) -> AbstractContextManager[object]:
    return pytest.raises((StudyError, ModelError), match=re.escape(f"{path}") + reason)


def _record(path: Path, is_whole: bool) -> None:
    if is_whole:
        assert RunRecord.read(path.parent).metrics
        return
    with refused(path, " must be a run's record"):
        RunRecord.read(path.parent)


def _predictions(path: Path, _: bool) -> None:
    trial = create_trial(state=TrialState.COMPLETE, value=1.0)
    trial.number = int(path.parent.name)
    study, results = path.parent.parent, path.parent.parent.parent
    objectives = (Objective("f1", "maximize"),)
    with refused(path, " must hold what trial"):
        read_texts(StudyOnDisk(study.name, results, objectives, None, (trial,)), trial.number)


def _table(path: Path, _: bool) -> None:
    """As its reader would do it: the folder is one table."""
    with pytest.raises((pyarrow.ArrowInvalid, OSError), match=re.escape(str(path))):
        pyarrow.parquet.read_table(path.parent)


def _model(path: Path, is_whole: bool) -> None:
    if is_whole:
        assert load_reader(str(path.parent)).n_parameters
        return
    with pytest.raises(ModelError, match=f"model '{re.escape(str(path.parent))}' cannot be loaded"):
        load_reader(str(path.parent))


def _of_checkpoint(path: Path, is_whole: bool) -> None:
    if is_whole and path.name == SEAL_FILE:  # of the others it has the checksums
        check(path.parent)
        return
    with refused(path, " must "):
        check(path.parent)


def _events(path: Path, _: bool) -> None:
    """All but the torn line are there, and the next one comes behind them."""
    n_whole = path.read_bytes().count(b"\n")
    spool = Spool(path.parent)
    assert spool.take(0)
    spool.append({"do": "line", "time": 1.0, "number": 0, "text": "and on"})
    spool.close()
    assert len(list(read_events(path, spool.size))) == n_whole + 1


def _unread(path: Path, _: bool) -> None:
    """Nobody needs it: what stands beside it is used as before."""
    beside = path.parent.parent if path.parent.name == ".hydra" else path.parent
    if (beside / "config.json").exists():
        assert load_reader(str(beside)).n_parameters
    elif (beside / "result.json").exists():
        assert RunRecord.read(beside).metrics


MODEL: Mapping[str, Check] = {
    "config.json": _model,
    "model.safetensors": _model,
    "tokenizer*.json": _model,
    "README.md": _unread,
}
FINISHED: Mapping[str, Check] = {
    "result.json": _record,
    "predictions.parquet": _predictions,
    "evaluations/*.parquet": _table,
    **{f"model/{name}": check_cut for name, check_cut in MODEL.items()},
}
INTERRUPTED: Mapping[str, Check] = {
    "checkpoints/checkpoint-*/*": _of_checkpoint,
    "evaluations/*.parquet": _table,
}
LOGS: Mapping[str, Check] = {
    ".hydra/*.yaml": _unread,
    "*.log": _unread,
}
SPOOL: Mapping[str, Check] = {"tracking.jsonl": _events}


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def matching(names: list[str], pattern: str) -> list[str]:
    """A star stands for no slash."""
    depth = pattern.count("/")
    return [name for name in names if name.count("/") == depth and fnmatchcase(name, pattern)]


def assert_each_has_one(names: list[str], expectations: Mapping[str, Check]) -> None:
    """Whoever adds a file says what becomes of it, and whoever drops one takes that back."""
    found = {pattern: matching(names, pattern) for pattern in expectations}
    assert [pattern for pattern, those in found.items() if not those] == []
    known = [name for those in found.values() for name in those]
    assert sorted(known) == names, "say what becomes of each file that is cut"


def assert_cuts(folder: Path, name: str, check_cut: Check, *, thoroughly: bool) -> None:
    """Cut the file in some places, or `thoroughly` in each near its end; it is as before then."""
    path = folder / name
    whole = path.read_bytes()
    for size in _sizes(len(whole), thoroughly=thoroughly):
        path.write_bytes(whole[:size])
        try:
            check_cut(path, whole[:size] == whole.rstrip(b"\n"))
        except BaseException as error:
            error.add_note(f"{name}, cut to {size} of {len(whole)} bytes")
            raise
    path.write_bytes(whole)


def _sizes(size: int, *, thoroughly: bool) -> Iterator[int]:
    """To which a file is cut; all of an empty one is there."""
    each = thoroughly and size <= SMALL
    lost = set(range(1, N_TAIL + 1)) if each else {1, 2, 3, 5, 9, 33, N_TAIL}
    return (n for n in sorted({size - n for n in lost} | {size // 2, 0}) if 0 <= n < size)
