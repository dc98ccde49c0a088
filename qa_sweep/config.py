"""The settings of a run, typed, with their units and checks; the schema behind `conf/`.

Only primitive types, enums and dataclasses appear here, so that Hydra can use the classes as
structured configs. Each class checks itself when it is built.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from qa_sweep.checks import require, require_at_least, require_range

MISSING: Any = "???"  # OmegaConf's mark for "must be given"


class Precision(Enum):
    """Arithmetic of the forward and backward pass; `auto`: bf16 or fp16 on a GPU, else fp32."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Device(Enum):
    """Where a run computes; `auto` takes the GPU where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Padding(Enum):
    """`longest` pads a batch to its longest window, `max_length` pads every window to the full."""

    longest = "longest"
    max_length = "max_length"


class Scheduler(Enum):
    """Course of the learning rate after warm-up."""

    linear = "linear"
    cosine = "cosine"
    constant = "constant"


class BestMetric(Enum):
    """The metric by which a run's best evaluation is chosen."""

    f1 = "f1"
    exact_match = "exact_match"
    loss = "loss"

    @property
    def greater_is_better(self) -> bool:
        return self is not BestMetric.loss


class Tracker(Enum):
    """Where runs are tracked."""

    aim = "aim"
    off = "off"


@dataclass
class ModelConfig:
    """What every model has; use one of the kinds below."""

    name: str = MISSING  # shown in tables and tracked

    def __post_init__(self) -> None:
        require(bool(self.name), "model.name", "must not be empty", self.name)


@dataclass
class TinyModel(ModelConfig):
    """A small RoFormer reader, made from scratch with a WordPiece vocabulary of the train split."""

    name: str = "tiny"
    n_layers: int = 2
    n_heads: int = 4
    hidden_size: int = 64
    feed_forward_size: int = 128
    vocabulary_size: int = 700
    initializer_range: float = 0.1  # standard deviation of the initial weights
    mark_overlap: bool = True  # token types tell which context tokens occur in the question

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_layers", "n_heads", "hidden_size", "feed_forward_size"):
            require_at_least(1, f"model.{name}", getattr(self, name))
        require_at_least(100, "model.vocabulary_size", self.vocabulary_size)
        require(
            self.hidden_size % (2 * self.n_heads) == 0,
            "model.hidden_size",
            f"must be a multiple of 2 × model.n_heads = {2 * self.n_heads}",
            self.hidden_size,
        )


@dataclass
class PretrainedModel(ModelConfig):
    """A model of the Hugging Face hub, or a local folder in its format."""

    path: str = MISSING  # hub name or folder
    revision: str = "main"  # branch, tag or commit of the hub

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "model.path", "must be a hub name or a folder", self.path)


@dataclass
class DataConfig:
    """What every data set has; use one of the kinds below."""

    name: str = MISSING  # shown in tables and tracked
    max_length: int = 384  # tokens of a window: question, context and special tokens
    doc_stride: int = 128  # tokens shared by neighbouring windows of a context
    limit_train: int | None = None  # examples taken of the train split; null takes all
    limit_eval: int | None = None  # examples taken of the eval split; null takes all
    seed: int = 0  # of what is random in making or splitting the data

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
class HubData(DataConfig):
    """A data set of the Hugging Face hub with SQuAD's columns."""

    path: str = MISSING  # hub name, e.g. rajpurkar/squad
    revision: str = "main"
    train_split: str = "train"
    eval_split: str | None = "validation"  # null holds out a part of the train split
    holdout: float = 0.2  # share of the train split held out where eval_split is null

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "data.path", "must be a hub name", self.path)
        require(0 < self.holdout < 1, "data.holdout", "must lie between 0 and 1", self.holdout)


@dataclass
class LocalData(DataConfig):
    """Files in SQuAD's JSON, JSON Lines, CSV or Parquet."""

    name: str = "local"
    path: str = MISSING  # train file
    eval_path: str | None = None  # eval file; null holds out a part of the train file
    holdout: float = 0.2  # share of the train file held out where eval_path is null

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "data.path", "must be a file", self.path)
        require(0 < self.holdout < 1, "data.holdout", "must lie between 0 and 1", self.holdout)


@dataclass
class TrainerConfig:
    """How a model is trained."""

    epochs: float = 2.0
    batch_size: int = 16  # windows of an optimizer step on one device
    learning_rate: float = 4e-3  # peak, after warm-up
    weight_decay: float = 0.0
    warmup: float = 0.1  # below 1: share of all steps; from 1: steps
    scheduler: Scheduler = Scheduler.linear
    max_grad_norm: float = 1.0  # gradients are clipped to this norm; 0 clips none
    precision: Precision = Precision.auto
    device: Device = Device.auto
    n_threads: int | None = None  # CPU threads; null: one for small models, else all cores
    padding: Padding = Padding.longest
    group_by_length: bool = False  # batches of windows of like length
    logging_steps: int = 25  # optimizer steps between two logged train losses
    best_metric: BestMetric = BestMetric.f1  # the run's best evaluation is the best by this

    def __post_init__(self) -> None:
        require(self.epochs > 0, "trainer.epochs", "must be above 0", self.epochs)
        require_at_least(1, "trainer.batch_size", self.batch_size)
        require(
            0 < self.learning_rate <= 1,
            "trainer.learning_rate",
            "must be above 0 and at most 1",
            self.learning_rate,
        )
        for name in ("weight_decay", "warmup", "max_grad_norm"):
            require_at_least(0, f"trainer.{name}", getattr(self, name))
        require_at_least(1, "trainer.logging_steps", self.logging_steps)
        if self.n_threads is not None:
            require_at_least(1, "trainer.n_threads", self.n_threads)


@dataclass
class EvaluationConfig:
    """How windows become answers."""

    batch_size: int = 64  # windows of a forward pass
    n_best: int = 20  # candidate spans kept of an example
    max_answer_length: int = 30  # tokens of a span

    def __post_init__(self) -> None:
        for name in ("batch_size", "n_best", "max_answer_length"):
            require_at_least(1, f"evaluation.{name}", getattr(self, name))


@dataclass
class TrackingConfig:
    """Where and how a run is tracked."""

    tracker: Tracker = Tracker.aim
    repo: str = "."  # folder that holds, or will hold, the Aim repo `.aim`
    experiment: str | None = None  # null: the study's name, or the model's and data's
    system_interval_s: float = 10.0  # seconds between two readings of CPU, memory and GPU
    max_log_lines: int = 2000  # terminal log lines kept of a run

    def __post_init__(self) -> None:
        require(
            "://" not in self.repo,
            "tracking.repo",
            "must be a folder, since Aim's server has open holes",
            self.repo,
        )
        require_at_least(1, "tracking.system_interval_s", self.system_interval_s)
        require_at_least(0, "tracking.max_log_lines", self.max_log_lines)


@dataclass
class QuestionConfig:
    """A question that the trained model answers, about one context."""

    question: str = MISSING
    context: str = MISSING
    reference: str | None = None


@dataclass
class QuestionsConfig:
    """The question set that each run answers after training."""

    path: str | None = None  # file of questions, in any format that local data may have
    items: list[QuestionConfig] = field(default_factory=list)


@dataclass
class RunConfig:
    """All settings of one run."""

    model: ModelConfig = MISSING
    data: DataConfig = MISSING
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    questions: QuestionsConfig = field(default_factory=QuestionsConfig)
    seed: int = 42  # of weights, order of examples and dropout

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**32, "seed", "must lie between 0 and 2**32 - 1", self.seed)


# The kinds of each group whose schema depends on the option.
KINDS: dict[str, dict[str, type]] = {
    "model": {"tiny": TinyModel, "pretrained": PretrainedModel},
    "data": {"embedded": EmbeddedData, "hub": HubData, "local": LocalData},
}
