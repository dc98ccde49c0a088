"""Hub data: data sets of the Hugging Face hub with SQuAD's columns.

Names, caches and access follow the usual variables (HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME,
HF_TOKEN). No code of a data set is run.
"""

from typing import TYPE_CHECKING

from qa_sweep.config import HubData
from qa_sweep.data.rows import read_row
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example

if TYPE_CHECKING:  # datasets takes seconds to import
    from datasets import Dataset, DatasetDict

COLUMNS = ("id", "title", "context", "question", "answers")
NEEDED_COLUMNS = ("id", "context", "question", "answers")


def load_hub(config: HubData) -> dict[str, list[Example]]:
    """Return the examples of the train split and, where it is set, of the eval split.

    Keys are `train` and `eval`. Raises DataError where the data set cannot be reached, or lacks a
    split or a column, and where a row is broken.
    """
    splits = _download(config)
    names = {"train": config.train_split, "eval": config.eval_split}
    return {
        kind: _read_split(splits, name, kind, config)
        for kind, name in names.items()
        if name is not None
    }


def _download(config: HubData) -> "DatasetDict":
    import datasets

    try:
        return datasets.load_dataset(config.path, revision=config.revision)
    except Exception as error:  # from many libraries: network, hub, files, Arrow
        raise DataError(f"data set {config.path!r} {_reason(error, config)}") from error


def _reason(error: Exception, config: HubData) -> str:
    """Return in words why a data set did not load."""
    import datasets
    from huggingface_hub.errors import RevisionNotFoundError

    causes = _causes(error)
    if any(isinstance(cause, RevisionNotFoundError) for cause in causes):
        return f"must have the revision {config.revision!r}, which the hub does not know"
    if any(isinstance(cause, datasets.exceptions.DatasetNotFoundError) for cause in causes):
        return (
            "must exist on the hub and be open to you, but was not found; correct data.path, or "
            "log in with `hf auth login`"
        )
    if any(isinstance(cause, ConnectionError) for cause in causes):
        return (
            "must be in the local cache or the hub be reachable, but neither is; check the network,"
            " HF_ENDPOINT and HF_HUB_OFFLINE, or use data=embedded"
        )
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    return f"cannot be loaded: {first_line} ({type(error).__name__})"


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error and those it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _read_split(splits: "DatasetDict", name: str, kind: str, config: HubData) -> list[Example]:
    if name not in splits:
        raise DataError(
            f"data set {config.path!r} must have the split {name!r}, but has "
            f"{', '.join(map(str, splits))}; pass data.{kind}_split=…"
        )
    rows = _select(splits[name], f"{config.path}, {name}").to_list()
    return [
        read_row(row, f"{config.path}, {name}, row {number}")
        for number, row in enumerate(rows, start=1)
    ]


def _select(split: "Dataset", where: str) -> "Dataset":
    """Return the columns that are read, so that no image or embedding beside them is decoded."""
    missing = [column for column in NEEDED_COLUMNS if column not in split.column_names]
    if missing:
        raise DataError(
            f"{where}: must have SQuAD's columns {', '.join(NEEDED_COLUMNS)}, but "
            f"{', '.join(missing)} is missing among {', '.join(split.column_names)}"
        )
    return split.select_columns([column for column in COLUMNS if column in split.column_names])
