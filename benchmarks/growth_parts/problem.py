"""Problem: a data set of some size, and the reader that is trained on it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qa_sweep.config import (
    DataConfig,
    EmbeddedData,
    LocalData,
    ModelConfig,
    PretrainedModel,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.qa.example import Example

_LEARNING_RATE = 1e-4  # so low that no model diverges on a part of its data


@dataclass(frozen=True)
class Problem:
    """A run's settings, and a folder for what the stages leave; no data are in memory yet."""

    config: RunConfig
    folder: Path

    @property
    def windows_folder(self) -> Path:
        return self.folder / "windows"

    @property
    def with_few_held_out(self) -> "Problem":
        """The same, but for an evaluation that costs next to nothing."""
        data = replace(self.config.data, limit_eval=16)
        return replace(self, config=replace(self.config, data=data))


def embedded_problem(folder: Path, n_train: int, n_eval: int) -> Problem:
    return _problem(EmbeddedData(n_train=n_train, n_eval=n_eval), TinyModel(), folder)


def text_problem(
    folder: Path, examples: Sequence[Example], n_train: int, n_eval: int, model: str | None
) -> Problem:
    """Real text in SQuAD's JSON; the first examples are held out, the others trained on.

    `model` is the folder of a pretrained one, None the one that is made from scratch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_held_out = len(examples) * n_eval // (n_eval + n_train)
    splits = {"eval": (examples[:n_held_out], n_eval), "train": (examples[n_held_out:], n_train)}
    for name, (given, count) in splits.items():
        (folder / f"{name}.json").write_text(json.dumps(as_squad(given, count)))
    data = LocalData(path=str(folder / "train.json"), eval_path=str(folder / "eval.json"))
    chosen = PretrainedModel(name=Path(model).name, path=model) if model else TinyModel()
    return _problem(data, chosen, folder)


def as_squad(examples: Sequence[Example], count: int) -> dict[str, list]:
    """SQuAD's JSON of `count` examples: those given, over and over, with other ids each time.

    Their texts get the number of the repetition too: a text that is repeated would be encoded once.
    """
    questions: dict[str, list] = defaultdict(list)
    for number in range(count):
        nth, place = divmod(number, len(examples))
        example = examples[place]
        answers = [{"text": r.text, "answer_start": r.start} for r in example.references]
        question = {"id": f"{example.id}-{nth}", "question": f"{example.question} ({nth})"}
        questions[f"{example.context} ({nth})"].append({**question, "answers": answers})
    paragraphs = [{"context": context, "qas": qas} for context, qas in questions.items()]
    return {"data": [{"title": "repeated", "paragraphs": paragraphs}]}


def _problem(data: DataConfig, model: ModelConfig, folder: Path) -> Problem:
    trainer = TrainerConfig(epochs=1, learning_rate=_LEARNING_RATE)
    tracking = TrackingConfig(tracker=Tracker.off)
    config = RunConfig(model=model, data=data, trainer=trainer, tracking=tracking)
    return Problem(config, folder)
