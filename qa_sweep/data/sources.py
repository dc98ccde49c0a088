"""Sources: from a data config to the examples of both splits, and to the question set."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from qa_sweep.config import (
    DataConfig,
    EmbeddedData,
    HubData,
    LocalData,
    QuestionConfig,
    QuestionsConfig,
)
from qa_sweep.data.hub import load_hub
from qa_sweep.data.local import read_examples
from qa_sweep.data.rows import QUESTIONS
from qa_sweep.errors import ConfigError, DataError
from qa_sweep.qa.example import Example, Reference, check_example

# These do not touch the examples, so a sweep over them reads the data once.
FIELDS_OF_WINDOWS = {"name", "max_length", "doc_stride"}
N_KEPT = 4  # data sets kept in memory


@dataclass(frozen=True)
class Splits:
    """The examples to train on and those to evaluate on."""

    train: list[Example]
    eval: list[Example]


def load_examples(config: DataConfig) -> Splits:
    """Return both splits, cut to `limit_train` and `limit_eval` examples.

    The same config gives the same object within a process, unless its files have changed; do not
    change the lists. Raises DataError on data that cannot be read, an empty split, or an id that
    occurs twice in a split.
    """
    return _load(_key(config))


def load_questions(config: QuestionsConfig) -> list[Example]:
    """Return the question set: the items, then the rows of the file, which need no answers.

    Raises DataError on a broken item or row.
    """
    examples = [_read_item(item, number) for number, item in enumerate(config.items, start=1)]
    if config.path is not None:
        examples += read_examples(config.path, QUESTIONS)
    if examples:
        _check_ids(examples, "the question set")
    return examples


class _Key(NamedTuple):
    """All that decides which examples a config means; hashable."""

    kind: type[DataConfig]
    values: tuple[tuple[str, Any], ...]
    files: tuple[tuple[int, int], ...]  # time of change and size


def _key(config: DataConfig) -> _Key:
    values = ((field.name, getattr(config, field.name)) for field in fields(config))
    kept = tuple((name, value) for name, value in values if name not in FIELDS_OF_WINDOWS)
    paths = [config.path, config.eval_path] if isinstance(config, LocalData) else []
    files = [Path(path).expanduser() for path in paths if path is not None]
    stats = [file.stat() for file in files if file.is_file()]
    return _Key(type(config), kept, tuple((stat.st_mtime_ns, stat.st_size) for stat in stats))


@lru_cache(maxsize=N_KEPT)
def _load(key: _Key) -> Splits:
    config = key.kind(**dict(key.values), name="examples")
    whole = _read(config)
    splits = Splits(whole.train[: config.limit_train], whole.eval[: config.limit_eval])
    _check_ids(splits.train, "the train split")
    _check_ids(splits.eval, "the eval split")
    return splits


def _read(config: DataConfig) -> Splits:
    """Return the whole splits, wherever they come from."""
    match config:
        case EmbeddedData():
            from qa_sweep.data.embedded import generate

            generated = generate(config)
            return Splits(list(generated["train"]), list(generated["eval"]))
        case HubData():
            loaded = load_hub(config)
            return _with_holdout(loaded["train"], loaded.get("eval"), config)
        case LocalData():
            held_out = read_examples(config.eval_path) if config.eval_path is not None else None
            return _with_holdout(read_examples(config.path), held_out, config)
        case _:
            raise ConfigError(
                f"data must be one of embedded, hub and local, but got {type(config).__name__}"
            )


def _with_holdout(
    train: list[Example], evaluation: list[Example] | None, config: HubData | LocalData
) -> Splits:
    """Return both splits, the second held out of the first where there is none.

    Held-out and kept examples are in random order, so that a limit takes a fair sample of them.
    """
    if evaluation is not None:
        return Splits(train, evaluation)
    shuffled = train.copy()
    random.Random(config.seed).shuffle(shuffled)
    n_eval = max(1, round(config.holdout * len(train)))
    return Splits(shuffled[n_eval:], shuffled[:n_eval])


def _check_ids(examples: Sequence[Example], split: str) -> None:
    """Raise DataError unless there are examples and all have ids of their own.

    Scores are kept by id: one of two examples of the same id would vanish from them.
    """
    if not examples:
        raise DataError(f"{split} must have at least one example, but is empty; add data to it")
    seen: dict[str, int] = {}
    for number, example in enumerate(examples, start=1):
        first = seen.setdefault(example.id, number)
        if first != number:
            raise DataError(
                f"{split}: ids must differ, but {example.id!r} is the id of examples {first} and "
                f"{number}; remove or rename one"
            )


def _read_item(item: QuestionConfig, number: int) -> Example:
    where = f"questions.items[{number - 1}]"
    references: tuple[Reference, ...] = ()
    if item.reference is not None:
        start = item.context.find(item.reference)
        if start < 0:
            raise DataError(
                f"{where}: reference must stand in the context, but {item.reference!r} does not; "
                f"correct it, or leave it out"
            )
        references = (Reference(item.reference, start),)
    example = Example(f"question-{number}", item.question, item.context, references)
    return check_example(example, where)
