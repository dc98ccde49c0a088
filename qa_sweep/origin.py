"""Origin: of which data and weights a run was made, to see later whether they are the same."""

from pathlib import Path
from typing import Any

import torch

from qa_sweep.config import DataConfig, HubData, RunConfig
from qa_sweep.data import Splits
from qa_sweep.data.fingerprint import fingerprint
from qa_sweep.data.hub import cached_commit
from qa_sweep.data.hub_access import Repository
from qa_sweep.model import Reader
from qa_sweep.tracking.environment import git_state


def origin(config: RunConfig, reader: Reader, splits: Splits) -> dict[str, Any]:
    """What a run was made of; None for what is not of the hub, or is not known."""
    return {
        **_examples(splits),
        "data_revision": _data_commit(config.data),
        "model_revision": getattr(reader.model.config, "_commit_hash", None),
        "n_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "git": _git_commit(),
    }


def _git_commit() -> str | None:
    """Of the working folder."""
    state: dict[str, Any] | None = git_state(str(Path.cwd()))
    if state is None:
        return None
    return f"{state['commit']['hash']}{' and changes' if state['has_uncommitted_changes'] else ''}"


def _examples(splits: Splits) -> dict[str, Any]:
    """How many there are, and a fingerprint of each split."""
    parts = {"train": splits.train, "eval": splits.eval}
    return {
        "n_examples": {name: len(examples) for name, examples in parts.items()},
        "data_fingerprint": {name: fingerprint(examples) for name, examples in parts.items()},
    }


def _data_commit(config: DataConfig) -> str | None:
    """The commit that a data set's revision was when the hub was last asked."""
    if not isinstance(config, HubData):
        return None
    return cached_commit(Repository("dataset", config.path, config.revision)) or None
