"""Which data, where they come from, and how they are cut into windows."""

from dataclasses import dataclass, field, fields
from enum import Enum

from qa_sweep.checks import require, require_at_least, require_range
from qa_sweep.config.missing import MISSING
from qa_sweep.config.section import Section


class OnBadRow(Enum):
    """What becomes of a row that cannot be used as it is."""

    fail = "fail"
    repair = "repair"
    skip = "skip"


class HoldoutBy(Enum):
    """What stays together on one side of a hold-out."""

    question = "question"
    context = "context"
    title = "title"


@dataclass(unsafe_hash=True)
class Columns(Section):
    """What the columns of flat rows are called; null: by their own names."""

    section = "data.columns"

    id: str | None = None
    title: str | None = None
    context: str | None = None
    question: str | None = None
    answers: str | None = None
    answer_text: str | None = None  # with answer_start, instead of answers
    answer_start: str | None = None

    def names(self) -> dict[str, str]:
        """The name in the data of each field."""
        return {item.name: getattr(self, item.name) or item.name for item in fields(self)}

    def renamed(self) -> dict[str, str]:
        """The fields that have other names, with these."""
        return {ours: theirs for ours, theirs in self.names().items() if ours != theirs}


@dataclass
class DataConfig(Section):
    """What every data set has; use one of the kinds below."""

    section = "data"

    name: str = MISSING  # shown in tables and tracked
    max_length: int = 384  # tokens of a window: question, context and special tokens
    doc_stride: int = 128  # tokens shared by neighbouring windows of a context
    limit_train: int | None = None  # examples taken of the train split; null takes all
    limit_eval: int | None = None  # examples taken of the eval split; null takes all
    seed: int = 0  # of what is random in making or splitting the data
    clean: bool = False  # the model reads tidied text; answers stay as they stand in the context

    def __post_init__(self) -> None:
        require_at_least(16, "data.max_length", self.max_length)
        require(
            0 <= self.doc_stride <= self.max_length // 2,
            "data.doc_stride",
            f"must lie between 0 and half of data.max_length ({self.max_length // 2})",
            self.doc_stride,
        )
        for name in ("limit_train", "limit_eval"):
            if getattr(self, name) is not None:
                require_at_least(1, f"data.{name}", getattr(self, name))


@dataclass
class EmbeddedData(DataConfig):
    """Reading comprehension about invented people, generated from a seed; needs no download."""

    name: str = "embedded"
    max_length: int = 128
    doc_stride: int = 32
    n_train: int = 6000  # examples of the train split
    n_eval: int = 400  # examples of the eval split, about people who do not occur in train
    min_people: int = 2  # people in a passage
    max_people: int = 4
    min_facts: int = 4  # facts told in a passage
    max_facts: int = 5
    n_relations: int = 8  # kinds of facts: birthplace, profession, …

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, "data.n_train", self.n_train)
        require_at_least(1, "data.n_eval", self.n_eval)
        require_range("data", "people", self.min_people, self.max_people, lowest=2)
        require_range("data", "facts", self.min_facts, self.max_facts, lowest=3)
        require(2 <= self.n_relations <= 8, "data.n_relations", "must be 2 to 8", self.n_relations)
        self._check_that_passages_exist()

    def _check_that_passages_exist(self) -> None:
        # Each relation has at least this many values, and a passage gives one to nobody twice.
        require(self.max_people <= 20, "data.max_people", "must be at most 20", self.max_people)
        require(
            self.max_facts > self.min_people,
            "data.max_facts",
            f"must be above data.min_people ({self.min_people}): each person has a fact, "
            "the asked one two",
            self.max_facts,
        )
        n_possible = self.max_people * self.n_relations
        require(
            self.min_facts <= n_possible,
            "data.min_facts",
            f"must be at most data.max_people × data.n_relations ({n_possible})",
            self.min_facts,
        )


@dataclass
class ForeignData(DataConfig):
    """What data sets that were made elsewhere have; use one of the kinds below."""

    holdout: float = 0.2  # share of the train split held out where there is no eval split
    holdout_by: HoldoutBy = HoldoutBy.question  # context, title: none of them on both sides
    on_bad_row: OnBadRow = OnBadRow.fail  # repair: what is certain, and leaves out the rest
    columns: Columns = field(default_factory=Columns)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.holdout < 1, "data.holdout", "must lie between 0 and 1", self.holdout)


@dataclass
class HubData(ForeignData):
    """A data set of the Hugging Face hub with SQuAD's columns."""

    path: str = MISSING  # hub name, e.g. rajpurkar/squad
    revision: str = "main"
    train_split: str = "train"
    eval_split: str | None = "validation"  # null holds out a part of the train split

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "data.path", "must be a hub name", self.path)


@dataclass
class LocalData(ForeignData):
    """Files in SQuAD's JSON, JSON Lines, CSV or Parquet."""

    name: str = "local"
    path: str = MISSING  # train file, or a folder of files
    eval_path: str | None = None  # eval file or folder; null takes the folder's, or holds out

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "data.path", "must be a file or a folder", self.path)
