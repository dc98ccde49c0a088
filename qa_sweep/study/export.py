"""Export: a study's trials for spreadsheets and programs."""

import csv
import io
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from qa_sweep.errors import OutputError
from qa_sweep.files import write_text
from qa_sweep.study.words import spell
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import metrics_of, state_of
from qa_sweep.sweep.tickets import ERROR, RETRIES, RETRY_OF, given_params

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for a formula's beginning
_FIRST = ("number", "state")
_LAST = ("started", "finished", "seconds", "retries", "retry_of", "error", "host")

Column = tuple[str, str]  # group (params, metrics or none) and name


def as_csv(study: StudyOnDisk, storage: StudyStorage) -> str:
    """One row a trial, also those that were tried again.

    Params and metrics stand under their names, or `param NAME` and `metric NAME` where a name is
    found twice. What a trial lacks is empty; a param that is null says so.
    """
    rows = list(_rows(study, storage))
    columns = _columns(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_cell(title) for title in _titles(columns)])
    for row in rows:
        writer.writerow([_cell(_value(row, column)) for column in columns])
    return text.getvalue()


def as_json(study: StudyOnDisk, storage: StudyStorage) -> str:
    """The same rows, with intermediate values, under the study's name and objectives.

    JSON knows no NaN and no infinity: they are the texts that protobuf has for them, `NaN`,
    `Infinity` and `-Infinity`.
    """
    content = {
        "study": study.name,
        "objectives": [asdict(objective) for objective in study.objectives],
        "trials": list(_rows(study, storage)),
    }
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(text: str, file: str) -> None:
    """Write to `file`, whole or not at all, or to standard output. Raises OutputError."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # an error may hold half a character
    if file == "-":
        return _print(text)
    path = Path(file)
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text, encoding="utf-8")  # /dev/null must not be replaced
        else:
            write_text(path, text)
    except OSError as error:
        raise OutputError(
            f"{file} must be a file that can be written: {error.strerror or error}; name another"
        ) from error


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; Python would complain at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _rows(study: StudyOnDisk, storage: StudyStorage) -> Iterator[dict[str, Any]]:
    objectives, leases = [o.name for o in study.objectives], storage.leases(study.name)
    for trial in sorted(study.all_trials, key=lambda trial: trial.number):
        yield {
            "number": trial.number,
            "state": state_of(trial),
            "params": dict(given_params(trial)),
            "metrics": _metrics(trial, objectives),
            "intermediate_values": trial.intermediate_values,
            **_times(trial),
            "retries": trial.user_attrs.get(RETRIES, 0),
            "retry_of": trial.user_attrs.get(RETRY_OF),
            "error": trial.user_attrs.get(ERROR),
            "host": leases.read(trial.number).get("host"),
        }


def _metrics(trial: FrozenTrial, objectives: Sequence[str]) -> dict[str, float]:
    """The objectives first."""
    metrics = metrics_of(trial)
    return {name: metrics[name] for name in (*objectives, *metrics) if name in metrics}


def _times(trial: FrozenTrial) -> dict[str, Any]:
    """Local times of the machine that wrote them, as Optuna keeps them."""
    started, finished = trial.datetime_start, trial.datetime_complete
    return {
        "started": started.isoformat() if started else None,
        "finished": finished.isoformat() if finished else None,
        "seconds": trial.duration.total_seconds() if trial.duration else None,
    }


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    def names(group: str) -> list[Column]:
        return [
            (group, name) for name in dict.fromkeys(name for row in rows for name in row[group])
        ]

    first, last = [("", name) for name in _FIRST], [("", name) for name in _LAST]
    return [*first, *names("params"), *names("metrics"), *last]


def _titles(columns: Sequence[Column]) -> list[str]:
    counts = Counter(name for _, name in columns)
    return [
        f"{group.removesuffix('s')} {name}" if group and counts[name] > 1 else name
        for group, name in columns
    ]


def _value(row: Mapping[str, Any], column: Column) -> Any:
    group, name = column
    if not group:
        return row[name]
    value = row[group].get(name, "")
    return spell(None) if value is None else value


def _cell(value: Any) -> Any:
    """A number as it is; a text such that no spreadsheet takes it for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return spell(value)
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _finite(value: Any) -> Any:
    """`value` without what JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
