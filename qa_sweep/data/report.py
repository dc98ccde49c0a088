"""Report: what is in a data set, what is wrong with it, and what a run would make of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qa_sweep.config import HubData, LocalData
from qa_sweep.config.data import OnBadRow
from qa_sweep.data.holdout import hold_out
from qa_sweep.data.lengths import Lengths, measure
from qa_sweep.data.readings import Settled, settle
from qa_sweep.data.sources import open_sources
from qa_sweep.qa.example import BadRow, Example

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

_N_NAMED = 3  # broken rows of a kind


@dataclass(frozen=True)
class SplitReport:
    """One split, as a run would use it."""

    n_questions: int
    n_contexts: int
    n_titles: int
    n_unanswerable: int
    references_per_answer: float  # of an answerable question
    most_references: int
    n_asked_twice: int  # questions whose words were asked of the same context before


@dataclass(frozen=True)
class Overlap:
    """What stands on both sides, so that an evaluation would flatter."""

    n_contexts: int
    n_eval_questions: int  # about a context that is read in training
    n_same_questions: int  # in the same words about the same context


@dataclass(frozen=True)
class BrokenRows:
    """The broken rows of one kind; `first` are the messages of a few."""

    fault: str
    count: int
    n_repairable: int
    first: list[str]


@dataclass(frozen=True)
class DataReport:
    """All of it; `problems` say why the data cannot be used as they are."""

    path: str
    n_rows: int
    held_out: float | None  # share of the rows that was held out, where there is no eval split
    held_out_by: str | None
    on_bad_row: str
    broken: list[BrokenRows]
    splits: dict[str, SplitReport]
    overlap: Overlap
    lengths: Lengths | None
    problems: list[str]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "is_usable": not self.problems}


def make_report(
    config: HubData | LocalData, tokenizer: "PreTrainedTokenizerBase | None"
) -> DataReport:
    """Read the data and report on them. Raises DataError where they cannot be read at all."""
    read = {
        split: settle(source.readings, config.on_bad_row)
        for split, source in open_sources(config).items()
    }
    bad = [row for settled in read.values() for row in settled.bad]
    splits = _split(config, read)
    examples = [example for split in splits.values() for example in split]
    is_held_out = "eval" not in read
    return DataReport(
        path=_path(config),
        n_rows=sum(settled.n_rows for settled in read.values()),
        held_out=config.holdout if is_held_out else None,
        held_out_by=config.holdout_by.value if is_held_out else None,
        on_bad_row=config.on_bad_row.value,
        broken=_broken(bad),
        splits={name: _report_split(split) for name, split in splits.items()},
        overlap=_overlap(splits["train"], splits["eval"]),
        lengths=measure(examples, tokenizer, config.max_length, config.doc_stride)
        if examples
        else None,
        problems=_problems(config.on_bad_row, bad, splits),
    )


def _path(config: HubData | LocalData) -> str:
    if isinstance(config, LocalData) and config.eval_path is not None:
        return f"{config.path} and {config.eval_path}"
    return config.path


def _split(config: HubData | LocalData, read: dict[str, Settled]) -> dict[str, list[Example]]:
    """Return the splits that a run would use."""
    train = read["train"].examples
    if "eval" in read:
        held_out = read["eval"].examples
    else:
        train, held_out = hold_out(train, config.holdout, config.holdout_by, config.seed)
    return {"train": train[: config.limit_train], "eval": held_out[: config.limit_eval]}


def _report_split(examples: Sequence[Example]) -> SplitReport:
    n_references = [len(example.references) for example in examples if example.is_answerable]
    n_asked = Counter((example.question, example.context) for example in examples)
    return SplitReport(
        n_questions=len(examples),
        n_contexts=len({example.context for example in examples}),
        n_titles=len({example.title for example in examples if example.title}),
        n_unanswerable=len(examples) - len(n_references),
        references_per_answer=sum(n_references) / max(1, len(n_references)),
        most_references=max(n_references, default=0),
        n_asked_twice=len(examples) - len(n_asked),
    )


def _overlap(train: Sequence[Example], held_out: Sequence[Example]) -> Overlap:
    contexts = {example.context for example in train}
    questions = {(example.question, example.context) for example in train}
    shared = [example for example in held_out if example.context in contexts]
    return Overlap(
        n_contexts=len({example.context for example in shared}),
        n_eval_questions=len(shared),
        n_same_questions=sum((e.question, e.context) in questions for e in shared),
    )


def _broken(bad: Sequence[BadRow]) -> list[BrokenRows]:
    """Return the broken rows by kind, the most frequent first."""
    by_fault: dict[str, list[BadRow]] = {}
    for row in bad:
        by_fault.setdefault(row.fault.value, []).append(row)
    groups = [
        BrokenRows(
            fault=fault,
            count=len(rows),
            n_repairable=sum(row.repaired is not None for row in rows),
            first=[str(row) for row in rows[:_N_NAMED]],
        )
        for fault, rows in by_fault.items()
    ]
    return sorted(groups, key=lambda group: -group.count)


def _problems(
    policy: OnBadRow, bad: Sequence[BadRow], splits: dict[str, list[Example]]
) -> list[str]:
    problems = []
    if bad and policy is OnBadRow.fail:
        problems.append(
            f"no row may be broken with data.on_bad_row=fail, but {len(bad)} of them are; correct "
            f"them, or pass data.on_bad_row=repair or skip"
        )
    problems += [
        f"the {name} split must have at least one example, but is empty"
        for name, examples in splits.items()
        if not examples
    ]
    return problems
