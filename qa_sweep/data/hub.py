"""Hub data: data sets of the Hugging Face hub with SQuAD's columns.

Names, caches and access follow the usual variables (HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME,
HF_TOKEN). No code of a data set is run.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from qa_sweep.config import HubData
from qa_sweep.data.arrow_rows import read_table
from qa_sweep.data.hub_access import Repository, loading, no_revision
from qa_sweep.data.readings import Source
from qa_sweep.data.rows import RowRules
from qa_sweep.errors import DataError

if TYPE_CHECKING:  # datasets takes seconds to import
    from datasets import Dataset, DatasetDict

NEEDED_FIELDS = ("id", "context", "question")

_COMMIT = re.compile("[0-9a-f]{40}")


def hub_sources(config: HubData) -> dict[str, Source]:
    """Return the splits "train" and, where it is set, "eval".

    Raises DataError where the data set cannot be reached, or lacks a split or a column.
    """
    splits = _download(config)
    names = {"train": config.train_split, "eval": config.eval_split}
    return {
        kind: _source(splits, name, kind, config)
        for kind, name in names.items()
        if name is not None
    }


def _download(config: HubData) -> "DatasetDict":
    import datasets

    repository = Repository("dataset", config.path, config.revision)
    with loading(repository) as found:
        commit = found.commit
        if commit is None:
            commit = cached_commit(repository)
            _prefer(commit)
        splits = datasets.load_dataset(config.path, revision=config.revision)
        _require_commit(splits, commit, repository)
    return splits


def _require_commit(splits: "DatasetDict", wanted: str | None, repository: Repository) -> None:
    """Raise DataError where another commit was loaded.

    When anything fails, `load_dataset` takes the latest that is in its cache, of any revision.
    """
    loaded = {Path(file["filename"]).parent.name for s in splits.values() for file in s.cache_files}
    commits = {name for name in loaded if _COMMIT.fullmatch(name)}
    if wanted is not None and commits and wanted not in commits:
        raise repository.error(no_revision(repository, "the local cache"))


def cached_commit(repository: Repository) -> str | None:
    """Return the commit that a revision was when the hub was last asked; "" where it never was.

    None where the hub's cache knows nothing of the data set, as with a plain folder.
    """
    from huggingface_hub import constants

    if _COMMIT.fullmatch(repository.revision):
        return repository.revision
    folder = f"datasets--{repository.path.replace('/', '--')}"
    refs = Path(constants.HF_HUB_CACHE) / folder / "refs"
    if not refs.is_dir():
        return None
    file = refs / repository.revision
    return file.read_text().strip() if file.is_file() else ""


def _prefer(commit: str | None) -> None:
    """Make a commit the latest of the cache, which is the one that is loaded without a network."""
    import datasets

    for folder in Path(datasets.config.HF_DATASETS_CACHE).glob(f"*/*/*/{commit}"):
        os.utime(folder)


def _source(splits: "DatasetDict", name: str, kind: str, config: HubData) -> Source:
    if name not in splits:
        raise DataError(
            f"data set {config.path!r} must have the split {name!r}, but has "
            f"{', '.join(map(str, splits))}; pass data.{kind}_split=…"
        )
    where = f"{config.path}, {name}"
    table = _select(splits[name], where, config).with_format("arrow")[:]
    rules = RowRules(columns=config.columns.renamed())
    return Source(where, config.path, read_table(table, where, rules))


def _select(split: "Dataset", where: str, config: HubData) -> "Dataset":
    """Return the columns that are read, so that no image or embedding beside them is decoded."""
    there = set(split.column_names)
    column = config.columns.names()
    answers = ("answers",) if column["answers"] in there else ("answer_text", "answer_start")
    if column["answer_text"] not in there:
        answers = ("answers",)
    missing = [column[field] for field in (*NEEDED_FIELDS, *answers) if column[field] not in there]
    if missing:
        raise DataError(
            f"{where}: must have the columns id, context, question and answers, but "
            f"{', '.join(missing)} is missing among {', '.join(split.column_names)}; say with "
            f"data.columns which they are"
        )
    return split.select_columns([name for name in column.values() if name in there])
