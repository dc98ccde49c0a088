"""The settings of a run, and how it is trained, evaluated and tracked."""

import math
import re
from dataclasses import dataclass, field

from qa_sweep.checks import require, require_at_least
from qa_sweep.config.choices import BestMetric, Device, Padding, Precision, Scheduler, Tracker
from qa_sweep.config.data import DataConfig, EmbeddedData, HubData, LocalData
from qa_sweep.config.missing import MISSING
from qa_sweep.config.model import ModelConfig, PretrainedModel, TinyModel
from qa_sweep.config.section import Section
from qa_sweep.config.speed import SpeedConfig


@dataclass
class TrainerConfig(Section):
    """How a model is trained."""

    section = "trainer"

    epochs: float = 2.0
    batch_size: int = 16  # windows of an optimizer step
    device_batch_size: int | None = None  # of these at once on the device; null: all of them
    smallest_device_batch: int = 1  # where memory does not hold as few, the run is infeasible
    learning_rate: float = 4e-3  # peak, after warm-up
    weight_decay: float = 0.0
    warmup: float = 0.1  # below 1: share of all steps; from 1: steps
    scheduler: Scheduler = Scheduler.linear
    max_grad_norm: float = 1.0  # gradients are clipped to this norm; 0 clips none
    precision: Precision = Precision.auto
    device: Device = Device.auto
    n_threads: int | None = None  # CPU threads; null: one for small models, else all cores
    padding: Padding = Padding.longest
    group_by_length: bool = True  # batches of windows of like length, in a random order
    logging_steps: int = 25  # optimizer steps between two logged train losses
    evaluations_per_epoch: int = 1  # evenly spaced, the last at the epoch's end
    best_metric: BestMetric = BestMetric.f1  # the run's best evaluation is the best by this

    def __post_init__(self) -> None:
        require(
            0 < self.epochs < math.inf, "trainer.epochs", "must be above 0 and finite", self.epochs
        )
        require_at_least(1, "trainer.batch_size", self.batch_size)
        require_at_least(1, "trainer.smallest_device_batch", self.smallest_device_batch)
        if self.device_batch_size is not None:
            self._check_device_batch_size(self.device_batch_size)
        require(
            0 < self.learning_rate <= 1,
            "trainer.learning_rate",
            "must be above 0 and at most 1",
            self.learning_rate,
        )
        for name in ("weight_decay", "warmup"):
            found = getattr(self, name)
            require(
                0 <= found < math.inf, f"trainer.{name}", "must be at least 0 and finite", found
            )
        require_at_least(0, "trainer.max_grad_norm", self.max_grad_norm)
        for name in ("logging_steps", "evaluations_per_epoch"):
            require_at_least(1, f"trainer.{name}", getattr(self, name))
        if self.n_threads is not None:
            require_at_least(1, "trainer.n_threads", self.n_threads)

    @property
    def accumulation_steps(self) -> int:
        """Device batches of an optimizer step."""
        return self.batch_size // (self.device_batch_size or self.batch_size)

    def _check_device_batch_size(self, found: int) -> None:
        require_at_least(1, "trainer.device_batch_size", found)
        require(
            self.batch_size % found == 0,
            "trainer.device_batch_size",
            f"must divide trainer.batch_size ({self.batch_size})",
            found,
        )


@dataclass
class EvaluationConfig(Section):
    """How windows become answers."""

    section = "evaluation"

    batch_size: int = 64  # windows of a forward pass
    n_best: int = 20  # candidate spans kept of an example
    max_answer_length: int = 30  # tokens of a span

    def __post_init__(self) -> None:
        for name in ("batch_size", "n_best", "max_answer_length"):
            require_at_least(1, f"evaluation.{name}", getattr(self, name))


_SERVER = re.compile(r"aim://[^/\s@:]+:\d+/?")  # no login: it would be stored and shown


@dataclass
class TrackingConfig(Section):
    """Where and how a run is tracked."""

    section = "tracking"

    tracker: Tracker = Tracker.aim
    repo: str = "."  # folder that holds, or will hold, the Aim repo `.aim`; or aim://HOST:PORT
    experiment: str | None = None  # null: the study's name, or the model's and data's
    system_interval_s: float = 10.0  # seconds between two readings of CPU, memory and GPU
    max_log_lines: int = 2000  # terminal log lines kept of a run, or of its next attempt
    n_held_out_questions: int = 20  # held-out questions whose answers are kept as texts

    def __post_init__(self) -> None:
        require(
            "://" not in self.repo or _SERVER.fullmatch(self.repo) is not None,
            "tracking.repo",
            "must be a folder, or a server as aim://HOST:PORT",
            self.repo,
        )
        require(
            1 <= self.system_interval_s <= 86_400,
            "tracking.system_interval_s",
            "must be 1 to 86400 (a day)",
            self.system_interval_s,
        )
        for name in ("max_log_lines", "n_held_out_questions"):
            require_at_least(0, f"tracking.{name}", getattr(self, name))


@dataclass
class QuestionConfig(Section):
    """A question that the trained model answers, about one context."""

    section = "questions.items"

    question: str = MISSING
    context: str = MISSING
    reference: str | None = None


@dataclass
class QuestionsConfig(Section):
    """The question set that each run answers after training."""

    section = "questions"

    path: str | None = None  # file of questions, in any format that local data may have
    items: list[QuestionConfig] = field(default_factory=list)


@dataclass
class RunConfig(Section):
    """All settings of one run."""

    model: ModelConfig = MISSING
    data: DataConfig = MISSING
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    questions: QuestionsConfig = field(default_factory=QuestionsConfig)
    speed: SpeedConfig = field(default_factory=SpeedConfig)
    seed: int = 42  # of weights, order of examples and dropout

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**32, "seed", "must lie between 0 and 2**32 - 1", self.seed)


# The kinds of each group whose schema depends on the option.
KINDS: dict[str, dict[str, type]] = {
    "model": {"tiny": TinyModel, "pretrained": PretrainedModel},
    "data": {"embedded": EmbeddedData, "hub": HubData, "local": LocalData},
}
