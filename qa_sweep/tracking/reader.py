"""Reads tracked runs back, at once and without Aim's index.

Aim's own queries see only what its UI has indexed. Here each run's RocksDB folder is opened
read-only by itself, and names come from the repo's SQLite file; nothing is locked, compacted or
indexed, so runs that are being written and a UI that is open are not disturbed.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qa_sweep.errors import OutputError

Points = list[tuple[int, float | None, float]]

logger = logging.getLogger(__name__)

NAMES_QUERY = """
    SELECT run.hash, run.name, experiment.name,
           (SELECT group_concat(tag.name, char(10)) FROM run_tag JOIN tag ON tag.id = run_tag.tag_id
             WHERE run_tag.run_id = run.id)
      FROM run LEFT JOIN experiment ON experiment.id = run.experiment_id
     ORDER BY run.id
"""


@dataclass(frozen=True)
class TrackedRun:
    """What an Aim repo holds of a run. Texts and log lines are as stored: escaped and capped."""

    hash: str
    name: str
    experiment: str
    status: str | None  # an Outcome's name, or "running" until the run is closed
    tags: tuple[str, ...]
    end_time: float | None  # seconds since the epoch; None while the run is open, or was killed
    params: dict[str, Any]  # by section
    metrics: dict[tuple[str, str | None], Points]  # (name, subset) -> [(step, epoch, value)]
    texts: list[tuple[str, str, int, str]]  # (name, context, step, text)
    logs: list[str]


@dataclass(frozen=True)
class Names:
    """What the repo's SQLite file tells of a run."""

    hash: str
    name: str
    experiment: str
    tags: tuple[str, ...]


def read_runs(repo: str, experiment: str | None = None) -> list[TrackedRun]:
    """The runs of the Aim repo in folder `repo`, oldest first; of one `experiment` if named.

    System metrics are left out. A run that cannot be read costs a warning and is left out.

    Raises:
        OutputError: the folder holds no Aim repo.
    """
    folder = Path(repo).absolute() / (os.environ.get("__AIM_REPO_NAME__") or ".aim")
    if not (folder / "run_metadata.sqlite").is_file():
        raise OutputError(f"the folder must hold an Aim repo, but there is none in {repo}")
    names = [row for row in read_names(folder) if experiment in (None, row.experiment)]
    return [run for row in names if (run := try_read_run(folder, row)) is not None]


def read_names(folder: Path) -> list[Names]:
    address = f"file:{quote(str(folder / 'run_metadata.sqlite'))}?mode=ro"
    connection = sqlite3.connect(address, uri=True)
    try:
        rows = connection.execute(NAMES_QUERY).fetchall()
    finally:
        connection.close()
    return [
        Names(run_hash, name, experiment, tuple(tags.split("\n")) if tags else ())
        for run_hash, name, experiment, tags in rows
    ]


def try_read_run(folder: Path, names: Names) -> TrackedRun | None:
    from aimrocks.errors import Corruption, RocksIOError

    try:
        return read_run(folder, names)
    except (Corruption, RocksIOError) as error:
        logger.warning("run %s of %s cannot be read: %s", names.hash, folder, error)
        return None


def read_run(folder: Path, names: Names) -> TrackedRun:
    meta = open_tree(folder / "meta/chunks" / names.hash).subtree(("meta", "chunks", names.hash))
    series = open_tree(folder / "seqs/chunks" / names.hash).subtree("seqs")
    params = collected(meta, "attrs")
    run = TrackedRun(
        hash=names.hash,
        name=names.name,
        experiment=names.experiment,
        status=params.get("status"),
        tags=names.tags,
        end_time=meta.get("end_time", None),
        params=params,
        metrics={},
        texts=[],
        logs=[],
    )
    contexts = collected(meta, "contexts")
    for index, traces in collected(meta, "traces").items():
        for name, trace in traces.items():
            add_sequence(run, series, contexts[index], index, name, trace["dtype"])
    return run


def add_sequence(
    run: TrackedRun, series: Any, context: Any, index: int, name: str, dtype: str
) -> None:
    """Add one sequence of a run to the field that is for its kind."""
    if dtype == "aim.log_line":
        run.logs.extend(text for _, text in texts_of(series, run.hash, index, name))
    elif dtype == "aim.text":
        passage = context.get("context", "")
        texts = texts_of(series, run.hash, index, name)
        run.texts.extend((name, passage, step, text) for step, text in texts)
    elif dtype in ("float", "int") and not name.startswith("__system__"):
        points = points_of(series, run.hash, index, name)
        run.metrics[name, context.get("subset")] = points


def points_of(series: Any, run_hash: str, index: int, name: str) -> Points:
    """Points of a metric by step; Aim keeps them under hashes of their steps."""
    tree = series.subtree(("v2", "chunks", run_hash, index, name))
    values, steps, epochs = (dict(tree.array(key).items()) for key in ("val", "step", "epoch"))
    # a run that is being written may have a value whose step is not there yet
    keys = sorted(values.keys() & steps.keys(), key=steps.__getitem__)
    return [(steps[key], epochs.get(key), values[key]) for key in keys]


def texts_of(series: Any, run_hash: str, index: int, name: str) -> Iterator[tuple[int, str]]:
    tree = series.subtree(("chunks", run_hash, index, name))
    return ((step, text.data) for step, text in tree.array("val").items())


def open_tree(path: Path) -> Any:
    from aim.storage.rockscontainer import RocksContainer

    # The "optimization" opens for writing, which would fight with the run's writer.
    return RocksContainer(str(path), read_only=True, skip_read_optimization=True).tree()


def collected(tree: Any, key: str) -> dict[Any, Any]:
    """Subtree of `tree` as a dict; empty where a young run has none yet."""
    found: dict[Any, Any] = tree.get(key, None) or {}
    return found
