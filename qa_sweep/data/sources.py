"""Sources: from a data config to the examples of both splits, and to the question set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

from qa_sweep.config import (
    DataConfig,
    EmbeddedData,
    HubData,
    LocalData,
    QuestionConfig,
    QuestionsConfig,
)
from qa_sweep.data.files import find_files
from qa_sweep.data.holdout import hold_out
from qa_sweep.data.hub import hub_sources
from qa_sweep.data.local import local_sources, read_examples
from qa_sweep.data.readings import Source, keep
from qa_sweep.data.rows import QUESTIONS
from qa_sweep.errors import ConfigError, DataError
from qa_sweep.qa.example import Example, Reference, check_example

# These do not touch the examples, so a sweep over them reads the data once.
FIELDS_OF_WINDOWS = {"name", "max_length", "doc_stride", "clean"}
N_KEPT = 4  # data sets kept in memory


@dataclass(frozen=True)
class Splits:
    """The examples to train on and those to evaluate on."""

    train: list[Example]
    eval: list[Example]


def load_examples(config: DataConfig) -> Splits:
    """Return both splits, cut to `limit_train` and `limit_eval` examples.

    The same config gives the same object within a process, unless its files have changed; do not
    change the lists. Raises DataError on data that cannot be read, an empty split, or a broken row
    where `on_bad_row` is to fail.
    """
    return _load(_key(config))


def load_questions(config: QuestionsConfig) -> list[Example]:
    """Return the question set: the items, then the rows of the file, which need no answers.

    Raises DataError on a broken item or row.
    """
    examples = [_read_item(item, number) for number, item in enumerate(config.items, start=1)]
    if config.path is not None:
        examples += read_examples(config.path, QUESTIONS)
    _check_ids(examples, "the question set")
    return examples


def open_sources(config: HubData | LocalData) -> dict[str, Source]:
    """Return the splits "train" and, unless it is to be held out of that, "eval".

    Raises DataError where a split is not there, or cannot be read at all.
    """
    return hub_sources(config) if isinstance(config, HubData) else local_sources(config)


class _Key(NamedTuple):
    """All that decides which examples a config means; hashable."""

    kind: type[DataConfig]
    values: tuple[tuple[str, Any], ...]
    files: tuple[tuple[str, int, int], ...]  # path, time of change and size


def _key(config: DataConfig) -> _Key:
    values = ((field.name, getattr(config, field.name)) for field in fields(config))
    kept = tuple((name, value) for name, value in values if name not in FIELDS_OF_WINDOWS)
    return _Key(type(config), kept, tuple(_stats(config)))


def _stats(config: DataConfig) -> Iterator[tuple[str, int, int]]:
    if isinstance(config, LocalData):
        files = find_files(config.path, config.eval_path)
        for file in (*files.train, *files.eval):
            stat = file.stat()
            yield str(file), stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=N_KEPT)
def _load(key: _Key) -> Splits:
    config = key.kind(**dict(key.values), name="examples")
    whole = _read(config)
    splits = Splits(whole.train[: config.limit_train], whole.eval[: config.limit_eval])
    for name, examples in (("train", splits.train), ("eval", splits.eval)):
        if not examples:
            raise DataError(
                f"the {name} split must have at least one example, but is empty; add data to it"
            )
    return splits


def _read(config: DataConfig) -> Splits:
    """Return the whole splits, wherever they come from."""
    match config:
        case EmbeddedData():
            from qa_sweep.data.embedded import generate

            generated = generate(config)
            return Splits(list(generated["train"]), list(generated["eval"]))
        case HubData() | LocalData():
            return _read_sources(config)
        case _:
            raise ConfigError(
                f"data must be one of embedded, hub and local, but got {type(config).__name__}"
            )


def _read_sources(config: HubData | LocalData) -> Splits:
    """Return both splits, the second held out of the first where there is none."""
    sources = open_sources(config)
    train = keep(sources["train"], config.on_bad_row)
    if "eval" in sources:
        return Splits(train, keep(sources["eval"], config.on_bad_row))
    return Splits(*hold_out(train, config.holdout, config.holdout_by, config.seed))


def _check_ids(examples: Sequence[Example], name: str) -> None:
    """Raise DataError unless all examples have ids of their own: answers are kept by id."""
    seen: dict[str, int] = {}
    for number, example in enumerate(examples, start=1):
        first = seen.setdefault(example.id, number)
        if first != number:
            raise DataError(
                f"{name}: ids must differ, but {example.id!r} is the id of examples {first} and "
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
