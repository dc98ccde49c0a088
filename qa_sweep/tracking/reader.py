"""Reads tracked runs back, at once and without Aim's index.

Aim's own queries see only what its UI has indexed. Here each run's RocksDB folder is opened
read-only by itself, and names come from the repo's SQLite file; nothing is locked, compacted or
indexed, so runs that are being written and a UI that is open are not disturbed.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from qa_sweep.errors import OutputError
from qa_sweep.tracking.chunk import collected, open_tree

Points = list[tuple[int, float | None, float]]
Read = TypeVar("Read")

logger = logging.getLogger(__name__)

NAMES_QUERY = """
    SELECT run.hash, run.name, experiment.name,
           (SELECT group_concat(tag.name, char(10)) FROM run_tag JOIN tag ON tag.id = run_tag.tag_id
             WHERE run_tag.run_id = run.id)
      FROM run LEFT JOIN experiment ON experiment.id = run.experiment_id
     ORDER BY run.id
"""


@dataclass(frozen=True)
class RunSummary:
    """What is quickly read of a run: all but its points, texts and log lines."""

    hash: str
    name: str
    experiment: str
    status: str | None  # an Outcome's name, or "running" until the run is closed
    tags: tuple[str, ...]
    end_time: float | None  # seconds since the epoch; None while the run is open, or was killed
    params: dict[str, Any]  # by section
    last: dict[tuple[str, str | None], float]  # (name, subset) -> the metric's last value


@dataclass(frozen=True)
class TrackedRun(RunSummary):
    """What an Aim repo holds of a run. Texts and log lines are as stored: escaped and capped."""

    metrics: dict[tuple[str, str | None], Points]  # (name, subset) -> [(step, epoch, value)]
    texts: list[tuple[str, str, int, str]]  # (name, context, step, text)
    logs: list[str]


@dataclass(frozen=True)
class UnreadableRun:
    """A run whose files are damaged or gone."""

    hash: str
    reason: str


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
        OutputError: the folder holds no Aim repo, or one that cannot be read.
    """
    return readable(repo, scan(repo, experiment, read_run))


def read_summaries(repo: str, experiment: str | None = None) -> list[RunSummary]:
    """As `read_runs`, without points, texts and log lines: in about a quarter of the time."""
    return readable(repo, scan(repo, experiment, read_summary))


def readable(repo: str, found: Iterator[Read | UnreadableRun]) -> list[Read]:
    runs = []
    for run in found:
        if isinstance(run, UnreadableRun):
            logger.warning("run %s of %s cannot be read: %s", run.hash, repo, run.reason)
        else:
            runs.append(run)
    return runs


def scan(
    repo: str, experiment: str | None, read: Callable[[Path, Names], Read]
) -> Iterator[Read | UnreadableRun]:
    """What `read` makes of each run, oldest first."""
    folder = repo_folder(repo)
    names = [row for row in read_names(folder) if experiment in (None, row.experiment)]
    return (try_read(read, folder, row) for row in names)


def try_read(
    read: Callable[[Path, Names], Read], folder: Path, names: Names
) -> Read | UnreadableRun:
    try:
        return read(folder, names)
    except Exception as error:  # whatever is wrong with one run, the others are read
        return UnreadableRun(names.hash, " ".join(f"{type(error).__name__}: {error}".split()))


def repo_folder(repo: str) -> Path:
    """The repo's own folder in the folder `repo`. Raises OutputError where there is none."""
    if not has_repo(repo):
        raise OutputError(f"the folder must hold an Aim repo, but there is none in {repo}")
    return folder_in(repo)


def has_repo(repo: str) -> bool:
    return (folder_in(repo) / "run_metadata.sqlite").is_file()


def folder_in(repo: str) -> Path:
    return Path(repo).absolute() / (os.environ.get("__AIM_REPO_NAME__") or ".aim")


def known_hashes(repo: str) -> set[str]:
    """The hashes of all runs, whether their files can be read or not; none without a repo."""
    return {names.hash for names in read_names(folder_in(repo))} if has_repo(repo) else set()


def read_names(folder: Path) -> list[Names]:
    """Raises OutputError where the file cannot be read."""
    address = f"file:{quote(str(folder / 'run_metadata.sqlite'))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            rows = connection.execute(NAMES_QUERY).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise OutputError(
            f"{folder}/run_metadata.sqlite must be a database of Aim's, but: {error}"
        ) from error
    return [
        Names(run_hash, name or "", experiment or "", tuple(tags.split("\n")) if tags else ())
        for run_hash, name, experiment, tags in rows
    ]


def read_summary(folder: Path, names: Names) -> RunSummary:
    return RunSummary(**summary_fields(names, open_meta(folder, names)))


def read_run(folder: Path, names: Names) -> TrackedRun:
    meta = open_meta(folder, names)
    run = TrackedRun(**summary_fields(names, meta), metrics={}, texts=[], logs=[])
    contexts, traces_by_context = collected(meta, "contexts"), collected(meta, "traces")
    if not traces_by_context:  # a young run has no series, and no files for them
        return run
    series = open_tree(folder / "seqs/chunks" / names.hash).subtree("seqs")
    for index, traces in traces_by_context.items():
        for name, trace in traces.items():
            add_sequence(run, series, contexts[index], index, name, trace["dtype"])
    return run


def open_meta(folder: Path, names: Names) -> Any:
    return open_tree(folder / "meta/chunks" / names.hash).subtree(("meta", "chunks", names.hash))


def summary_fields(names: Names, meta: Any) -> dict[str, Any]:
    params = collected(meta, "attrs")
    return {
        "hash": names.hash,
        "name": names.name,
        "experiment": names.experiment,
        "status": params.get("status"),
        "tags": names.tags,
        "end_time": meta.get("end_time", None),
        "params": params,
        "last": dict(last_values(meta)),
    }


def last_values(meta: Any) -> Iterator[tuple[tuple[str, str | None], float]]:
    contexts = collected(meta, "contexts")
    for index, traces in collected(meta, "traces").items():
        for name, trace in traces.items():
            if is_metric(name, trace["dtype"]) and "last" in trace:
                yield (name, contexts[index].get("subset")), trace["last"]


def is_metric(name: str, dtype: str) -> bool:
    return dtype in ("float", "int") and not name.startswith("__system__")


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
    elif is_metric(name, dtype):
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
