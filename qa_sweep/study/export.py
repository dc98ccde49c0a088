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

from qa_sweep.cells import cell
from qa_sweep.errors import OutputError
from qa_sweep.files import whole_file
from qa_sweep.study.words import spell
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import metrics_of, state_of
from qa_sweep.sweep.tickets import ERROR, RETRIES, RETRY_OF, given_params

_FIRST = ("number", "state")
_LAST = ("started", "finished", "seconds", "retries", "retry_of", "error", "host")

Column = tuple[str, str]  # group (params, metrics or none) and name


def as_csv(study: StudyOnDisk, storage: StudyStorage) -> str:
    """One row a trial, also those that were tried again.

    Params and metrics stand under their names, or `param NAME` and `metric NAME` where a name is
    found twice. What a trial lacks is empty; a param that is null says so.
    """
    return csv_of(list(_rows(study, storage)), _FIRST, _LAST)


def as_json(study: StudyOnDisk, storage: StudyStorage) -> str:
    """The same rows, with intermediate values, under the study's name and objectives."""
    return json_of(
        {
            "study": study.name,
            "objectives": [asdict(objective) for objective in study.objectives],
            "trials": list(_rows(study, storage)),
        }
    )


def csv_of(rows: Sequence[Mapping[str, Any]], first: Sequence[str], last: Sequence[str]) -> str:
    """The `first` columns, then one for each of the rows' params and metrics, then the `last`."""
    columns = _columns(rows, first, last)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(title) for title in _titles(columns)])
    for row in rows:
        writer.writerow([cell(_value(row, column)) for column in columns])
    return text.getvalue()


def json_of(content: Any) -> str:
    """JSON knows no NaN and no infinity: they are the texts that protobuf has for them.

    These are `NaN`, `Infinity` and `-Infinity`.
    """
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(content: str | bytes, file: str) -> None:
    """Write to `file`, whole or not at all, or to standard output. Raises OutputError."""
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")  # an error may hold half a character
    if file == "-":
        return _print(content)
    path = Path(file)
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(content)  # /dev/null must not be replaced
        else:
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise OutputError(
            f"{file} must be a file that can be written: {error.strerror or error}; name another"
        ) from error


def _print(content: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
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


def _columns(
    rows: Sequence[Mapping[str, Any]], first: Sequence[str], last: Sequence[str]
) -> list[Column]:
    def names(group: str) -> list[Column]:
        return [
            (group, name) for name in dict.fromkeys(name for row in rows for name in row[group])
        ]

    before, after = [("", name) for name in first], [("", name) for name in last]
    return [*before, *names("params"), *names("metrics"), *after]


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


def _finite(value: Any) -> Any:
    """`value` without what JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
