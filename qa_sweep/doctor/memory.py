"""Memory: what a trial and its folder remember of a run that is gone from the tracker."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from qa_sweep.accord import outcome_of
from qa_sweep.doctor.records import TrialRecord
from qa_sweep.sweep.summary import metrics_of
from qa_sweep.tracking.rebuilding import RememberedRun

EVAL_PREFIX = "eval_"
SPEED_SUFFIXES = ("_runtime", "_per_second", "_time")

Evaluation = tuple[int, float | None, Mapping[str, float]]  # step, epoch, metrics


def remember(record: TrialRecord) -> RememberedRun:
    """All that is known; curves of the training, texts and log lines are not among it."""
    trial, result = record.trial, _result(record)
    outcome, error = outcome_of(trial)
    assert record.run_hash is not None
    return RememberedRun(
        hash=record.run_hash,
        experiment=record.study.name,
        name=f"{record.study.name}/{trial.number}",
        params=_params(record, result),
        evaluations=list(_evaluations(record, result)),
        outcome=outcome,
        error=error,
        began=_seconds(trial.datetime_start),
        ended=_seconds(trial.datetime_complete),
    )


def _result(record: TrialRecord) -> Mapping[str, Any]:
    """The run's `result.json`; empty where there is none."""
    try:
        content = json.loads((record.folder / "result.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _params(record: TrialRecord, result: Mapping[str, Any]) -> dict[str, object]:
    """By section, as a run has them: the trainer's settings are its `hparams`."""
    config = result.get("config") or _nested(record.trial.params)
    hparams = {**config.get("trainer", {})}
    if "seed" in config:
        hparams["seed"] = config["seed"]
    sections = {"hparams": hparams, "model": config.get("model"), "data": config.get("data")}
    metrics = result.get("metrics") or metrics_of(record.trial)
    return {
        **{name: values for name, values in sections.items() if values},
        "study": {
            "name": record.study.name,
            "trial": record.trial.number,
            "folder": str(record.folder.resolve()),
        },
        **({"best": metrics} if metrics else {}),
    }


def _nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """`trainer.learning_rate` as `learning_rate` of `trainer`."""
    sections: dict[str, Any] = defaultdict(dict)
    for name, value in params.items():
        section, _, last = name.rpartition(".")
        if section:
            sections[section][last] = value
        else:
            sections[name] = value
    return sections


def _evaluations(record: TrialRecord, result: Mapping[str, Any]) -> Iterator[Evaluation]:
    """Those of the result, or the intermediate values that the study has."""
    entries = result.get("evaluations") or []
    for entry in entries:
        metrics = {
            name.removeprefix(EVAL_PREFIX): value
            for name, value in entry.items()
            if name.startswith(EVAL_PREFIX) and not name.endswith(SPEED_SUFFIXES)
        }
        yield entry["step"], entry.get("epoch"), metrics
    if not entries:
        name = record.study.objectives[0].name
        for step, value in record.trial.intermediate_values.items():
            yield step, None, {name: value}


def _seconds(when: datetime | None) -> float:
    return when.timestamp() if when is not None else time.time()
