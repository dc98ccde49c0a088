"""Model card: what a model is, of what, how good, and how it is used; as the hub shows it.

https://huggingface.co/docs/hub/model-cards says what the front matter may hold. Names come from the
user's settings: they are shown as they are, never as markup, and of a path nothing but its end.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from qa_sweep.card_usage import Usage
from qa_sweep.config import (
    DataConfig,
    EmbeddedData,
    HubData,
    LocalData,
    PretrainedModel,
    RunConfig,
)
from qa_sweep.config.data import ForeignData
from qa_sweep.qa.intervals import Interval, percent_intervals
from qa_sweep.qa.scores import Scores
from qa_sweep.terminal import visible

CARD_FILE = "README.md"

TITLES = {"exact_match": "Exact match", "f1": "F1"}  # in percent
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


@dataclass(frozen=True)
class ModelCard:
    """What a card tells; `result` is what the run's `result.json` says."""

    config: RunConfig
    result: Mapping[str, Any]
    n_questions: int  # held out
    mark_overlap: bool
    path: str  # by which the model is loaded
    intervals: Mapping[str, Interval] = field(default_factory=dict)  # of metrics, in percent
    found: Sequence[str] = ()  # how it was found: paragraphs

    def text(self) -> str:
        """The card as Markdown, with its front matter."""
        front = yaml.safe_dump(self._front_matter(), sort_keys=False, allow_unicode=True)
        return f"---\n{front}---\n\n" + "\n\n".join(self._sections()) + "\n"

    @property
    def title(self) -> str:
        return f"{self.config.model.name} on {self.config.data.name}"

    def _front_matter(self) -> dict[str, Any]:
        model, data = self.config.model, self.config.data
        base = getattr(model, "path", "")
        datasets = getattr(data, "path", "")
        return {
            "pipeline_tag": "question-answering",
            "library_name": "transformers",
            "tags": ["extractive-question-answering", "qa_sweep"],
            **({"base_model": base} if is_hub_name(base) else {}),
            **({"datasets": [datasets]} if is_hub_name(datasets) else {}),
            "model-index": [{"name": visible(self.title), "results": [self._evaluation()]}],
        }

    def _evaluation(self) -> dict[str, Any]:
        metrics = [
            {"type": name, "name": title, "value": round(float(self.result["metrics"][name]), 4)}
            for name, title in TITLES.items()
        ]
        return {
            "task": {"type": "question-answering", "name": "Question answering"},
            "dataset": _dataset(self.config.data, self.result.get("data_revision")),
            "metrics": metrics,
        }

    def _sections(self) -> Iterator[str]:
        n_parameters = self.result.get("n_parameters")
        size = f" of {n_parameters:,} parameters" if n_parameters else ""
        yield f"# {literal(self.title)}"
        yield (
            f"An extractive question-answering model{size}: it reads a question and a context, and "
            f"points out the answer in the context. Trained by `qa_sweep`."
        )
        yield from ("## Scores", "\n".join(self._scores()), *self._by_whom())
        if self.found:
            yield from ("## How it was found", *map(literal, self.found))
        yield from ("## Data", self._data(), "## Training", self._training())
        yield from ("## Use", *self._use(), "## Limits", "\n".join(self._limits()))

    def _scores(self) -> Iterator[str]:
        metrics = self.result["metrics"]
        yield f"| metric | value |{' 95 % interval |' if self.intervals else ''}"
        yield f"| --- | --- |{' --- |' if self.intervals else ''}"
        for name, value in metrics.items():
            shown = f"{value:.2f}" if name != "loss" else f"{value:.4g}"
            row = f"| {literal(TITLES.get(name, name.replace('_', ' ')))} | {shown} |"
            if self.intervals:
                interval = self.intervals.get(name)
                row += f" {interval.low:.2f} to {interval.high:.2f} |" if interval else " |"
            yield row

    def _by_whom(self) -> Iterator[str]:
        text = f"On {self.n_questions:,} held-out questions, as SQuAD's official script counts."
        if self.intervals:
            text += " The interval is the bootstrap's over questions."
        yield text

    def _data(self) -> str:
        sizes = self.result.get("n_examples") or {}
        counts = (
            f" {sizes['train']:,} questions to train on, {sizes['eval']:,} held out."
            if sizes
            else ""
        )
        return _describe(self.config.data, self.result.get("data_revision")) + counts

    def _training(self) -> str:
        trainer, model = self.config.trainer, self.config.model
        start = "From scratch"
        if isinstance(model, PretrainedModel):
            start = f"From {literal(last_part(model.path))}{_at(self.result.get('model_revision'))}"
        return (
            f"{start}: batch size {trainer.batch_size}, learning rate {trainer.learning_rate:g}, "
            f"epochs {trainer.epochs:g}, weight decay {trainer.weight_decay:g}, warm-up "
            f"{trainer.warmup:g}, seed {self.config.seed}; the best of its evaluations, at step "
            f"{self.result.get('best_step')} of {self.result.get('n_steps')}."
        )

    def _use(self) -> Iterator[str]:
        usage = self._usage()
        yield f"By `qa_sweep`:\n\n```python\n{usage.with_answerer()}```"
        yield (
            f"By transformers alone, for a context that fits into one window of "
            f"{usage.max_length} tokens:\n\n```python\n{usage.with_transformers()}```"
        )
        yield self._decision()

    def _usage(self) -> Usage:
        decision = self.result.get("decision") or {}
        return Usage(
            path=self.path,
            max_length=self.config.data.max_length,
            max_answer_length=decision.get(
                "max_answer_length", self.config.evaluation.max_answer_length
            ),
            threshold=decision.get("threshold"),
            mark_overlap=self.mark_overlap,
        )

    def _decision(self) -> str:
        decision, usage = self.result.get("decision") or {}, self._usage()
        text = f"Answers are {usage.max_answer_length} tokens long at most."
        if usage.threshold is not None:
            text += (
                f" There is none where the score of no answer exceeds that of the best span by "
                f"more than {usage.threshold:.4g}."
            )
        if "temperature" in decision:
            text += f" For probabilities, scores are divided by {decision['temperature']:.4g}."
        return f"{text} Chosen on the held-out questions, and kept in `config.json`."

    def _limits(self) -> Iterator[str]:
        yield "- It answers in the words of the context, and adds nothing to them."
        if self._usage().threshold is None:
            yield "- It always answers: it was trained on questions that have an answer."
        yield "- The scores hold for questions and contexts like those that were held out."
        if self.found:
            yield "- It was chosen by these same questions, which flatters its scores a little."
        if isinstance(self.config.data, EmbeddedData):
            yield "- It knows a few sentences about invented people: a model to try things with."
        if self.config.data.clean:
            yield "- It reads tidied text; `Answerer` tidies it, the code above does not."


def intervals_of(scores: Scores) -> dict[str, Interval]:
    """Those of a run's metrics, for its card."""
    return percent_intervals(
        {"f1": scores.f1_by_question, "exact_match": scores.exact_match_by_question}
    )


def literal(text: str) -> str:
    """`text` in one line of Markdown that shows it as it is."""
    return _MARKUP.sub(r"\\\1", html.escape(visible(text), quote=False))


def last_part(path: str) -> str:
    """A hub's name as it is; of a folder or file its own name, since a path may tell who one is."""
    return path if is_hub_name(path) else Path(path).name


def is_hub_name(path: str) -> bool:
    """Whether it can be one of the hub, and is none of this machine's."""
    return _HUB_NAME.fullmatch(path) is not None and not Path(path).exists()


def _at(revision: str | None) -> str:
    return f" at {revision}" if revision else ""


def _dataset(data: DataConfig, revision: str | None) -> dict[str, Any]:
    """The data set as the front matter names it; its `type` is the hub's name where it has one."""
    name = visible(data.name)
    if not isinstance(data, HubData):
        return {"name": name, "type": re.sub(r"[^\w.-]+", "-", name)}
    return {
        "name": name,
        "type": last_part(data.path),
        "split": data.eval_split or data.train_split,
        **({"revision": revision} if revision else {}),
    }


def _describe(data: DataConfig, revision: str | None) -> str:
    """Which data, in one sentence."""
    match data:
        case EmbeddedData():
            return f"Reading comprehension about invented people, generated from seed {data.seed}."
        case HubData():
            split = f"split {literal(data.eval_split)}" if data.eval_split else _share(data)
            return f"{literal(last_part(data.path))}{_at(revision)}; {split} held out."
        case LocalData():
            other = f"file {literal(Path(data.eval_path).name)}" if data.eval_path else _share(data)
            return f"Local file {literal(Path(data.path).name)}; {other} held out."
        case _:
            return f"{literal(data.name)}."


def _share(data: ForeignData) -> str:
    return f"{data.holdout:.0%} by {data.holdout_by.value}"
