"""Answerer: a loaded reader that answers questions about one context or many."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qa_sweep.ask.answer import Answer
from qa_sweep.ask.encoder import Encoder
from qa_sweep.ask.models import choose_best, choose_named
from qa_sweep.checks import require, require_at_least
from qa_sweep.config import Device, EvaluationConfig, TrainerConfig
from qa_sweep.data.fields import unicode
from qa_sweep.device import choose_device
from qa_sweep.errors import DataError
from qa_sweep.evaluation import predict
from qa_sweep.model import Reader, load_reader
from qa_sweep.qa.candidates import Candidates, WindowSpans, rank
from qa_sweep.qa.decisions import Decision

CHARACTERS_AT_ONCE = 2**17  # of contexts that are windows at the same time: some batches

Contexts = str | Mapping[str, str]  # one text, or texts by name
Item = TypeVar("Item")


class Answerer:
    """Answers questions, long contexts window by window, with one reader.

    What a context was encoded to is kept, so that further questions about it cost only the model's
    forward pass. Not to be used by several threads at a time.
    """

    def __init__(self, reader: Reader, config: EvaluationConfig | None = None) -> None:
        """`config` says how answers are searched for; by default as the reader was trained."""
        self._reader = reader
        self._encoder = Encoder(reader)
        self._config = config or EvaluationConfig()
        if config is None and reader.decision is not None:
            self._config.max_answer_length = reader.decision.max_answer_length

    @staticmethod
    def of_folder(folder: str | Path, device: str = "auto") -> "Answerer":
        """From a run folder, a model folder or a model of the hub.

        `device` is auto (the GPU where there is one), cpu or cuda. Raises ModelError where it
        cannot be loaded, ConfigError where the device is not there.
        """
        kinds = [kind.value for kind in Device]
        require(device in kinds, "device", f"must be one of {', '.join(kinds)}", device)
        reader = load_reader(choose_named(str(folder)).path)
        reader.model.to(choose_device(TrainerConfig(device=Device(device))))
        return Answerer(reader)

    @staticmethod
    def of_study(
        name: str | None = None, results: str | Path = "results", storage: str | None = None
    ) -> "Answerer":
        """From the best trial of the study `name`, or of the one that was worked on last.

        `storage` is the database's URL, where that is not in `results`. Raises StudyError where
        there is no such study or no complete trial, ModelError where the model cannot be loaded.
        """
        return Answerer.of_folder(choose_best(Path(results), name, storage).path)

    @property
    def n_parameters(self) -> int:
        """How large the model is."""
        return self._reader.n_parameters

    def ask(self, question: str, context: Contexts, n_best: int | None = None) -> list[Answer]:
        """The best answers, likeliest first: `n_best` of them, or all candidates.

        `context` is a text, or several by name (e.g. of their files), which are read as one: the
        best spans of all of them compete, and each answer names its `source`. The answer "" is
        among them where the model was trained to tell that there is none, and is the only one where
        nothing can be said. Raises DataError for a blank question or context, ConfigError for an
        `n_best` below 1.
        """
        return self.ask_all([(question, context)], n_best)[0]

    def ask_all(
        self, asked: Iterable[tuple[str, Contexts]], n_best: int | None = None
    ) -> list[list[Answer]]:
        """As `ask`, for many questions: windows of all of them share batches."""
        return list(self.ask_each(asked, n_best))

    def ask_each(
        self, asked: Iterable[tuple[str, Contexts]], n_best: int | None = None
    ) -> Iterator[list[Answer]]:
        """As `ask_all`, but gives the answers as they become known, some questions at a time."""
        if n_best is not None:
            require_at_least(1, "n_best", n_best)
        checked = (_Asked.of(question, context) for question, context in asked)
        for group in _groups(checked, lambda each: each.n_characters):
            yield from self._answer(group, n_best)

    def _answer(self, group: Sequence["_Asked"], n_best: int | None) -> Iterator[list[Answer]]:
        config = replace(self._config, n_best=max(self._config.n_best, n_best or 1))
        candidates = self._candidates(group, config)
        longest = config.max_answer_length
        decision = replace(self._reader.decision or Decision(longest), max_answer_length=longest)
        probability, of_nothing = decision.probabilities(candidates)
        for number, asked in enumerate(group):
            rows = candidates.of(number)
            spans = zip(
                candidates.start_char[rows].tolist(),
                candidates.end_char[rows].tolist(),
                probability[rows].tolist(),
                strict=True,
            )
            answers = [asked.answer(*span) for span in spans]
            if decision.threshold is not None or not answers:
                answers.append(Answer("", 0, 0, float(of_nothing[number])))
            yield sorted(answers, key=lambda answer: -answer.probability)[:n_best]

    def _candidates(self, group: Sequence["_Asked"], config: EvaluationConfig) -> Candidates:
        """Return the n-best of each question over all its contexts, as if they were one text."""
        pairs = [(asked.question, text) for asked in group for text in asked.texts]
        spans = WindowSpans.none(len(pairs), config.n_best)
        null_score = np.full(len(pairs), np.inf)
        for numbers in _groups(range(len(pairs)), lambda i: len(pairs[i][1])):
            windows = self._encoder.windows([pairs[i] for i in numbers])
            found, _ = predict(self._reader, windows, config)
            _copy(found, spans, numbers[0])
            null_score[numbers] = found.null_score
        begins = np.concatenate([asked.begins for asked in group])[:, None]
        spans.start_char[:] += begins.astype(np.int32)
        spans.end_char[:] += begins.astype(np.int32)
        question = np.repeat(np.arange(len(group)), [len(asked.texts) for asked in group])
        least = np.full(len(group), np.inf)
        np.minimum.at(least, question, null_score)
        return rank(spans, question.astype(np.int32), least)


@dataclass(frozen=True)
class _Asked:
    """A question, and the contexts in which its answer may stand, one behind the other."""

    question: str
    names: tuple[str | None, ...]
    texts: tuple[str, ...]

    @staticmethod
    def of(question: str, context: Contexts) -> "_Asked":
        """Raises DataError for what cannot be asked."""
        if not unicode(question, "question", "asked").strip():
            raise DataError("the question must not be empty")
        named = {None: context} if isinstance(context, str) else dict(context)
        if not named:
            raise DataError("there must be a context to read, but none was given")
        for name, text in named.items():
            where = "the context" if name is None else name
            if not unicode(text, "the text", where).strip():
                raise DataError(f"{where} must hold some text, but is empty")
        return _Asked(question, tuple(named), tuple(named.values()))

    @property
    def n_characters(self) -> int:
        return sum(map(len, self.texts))

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """The character at which each context begins, (n_contexts,)."""
        return np.array([0, *accumulate(map(len, self.texts[:-1]))], dtype=np.int64)

    def answer(self, start: int, end: int, probability: float) -> Answer:
        number = int(np.searchsorted(self.begins, start, side="right")) - 1
        begin = int(self.begins[number])
        text = self.texts[number][start - begin : end - begin]
        return Answer(text, start - begin, end - begin, probability, self.names[number])


def _copy(candidates: Candidates, spans: WindowSpans, first: int) -> None:
    """Write the n-best of examples to the rows of `spans` from `first` on."""
    score = candidates.padded(candidates.score, -np.inf)
    where = slice(first, first + len(candidates)), slice(score.shape[1])
    spans.score[where] = score
    spans.start_char[where] = candidates.padded(candidates.start_char, 0)
    spans.end_char[where] = candidates.padded(candidates.end_char, 0)
    spans.n_tokens[where] = candidates.padded(candidates.n_tokens, 0)


def _groups(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Split `items`, in order, into groups of up to CHARACTERS_AT_ONCE, or one larger item."""
    group: list[Item] = []
    n_characters = 0
    for item in items:
        if group and n_characters + size(item) > CHARACTERS_AT_ONCE:
            yield group
            group, n_characters = [], 0
        group.append(item)
        n_characters += size(item)
    if group:
        yield group
