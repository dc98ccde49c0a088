"""Comparison: a run's record beside that of its repetition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qa_sweep.replay.answers import Answers, read_answers
from qa_sweep.run_record import RunRecord

Pair = tuple[Any, Any]  # then and now; None where it is not known


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a run and its repetition have in common."""

    then: RunRecord
    now: RunRecord

    @property
    def is_equal(self) -> bool:
        """Whether each number is the same, to the last digit; of answers, where both are there."""
        answers = self.answers
        are_equal = all(then == now for then, now in self.metrics.values())
        return are_equal and (answers is None or answers.are_equal)

    @property
    def metrics(self) -> dict[str, Pair]:
        """Those of the best evaluation, and the step at which it was made."""
        names = dict.fromkeys([*self.then.metrics, *self.now.metrics])
        metrics = {n: (self.then.metrics.get(n), self.now.metrics.get(n)) for n in names}
        return {**metrics, "best step": self._of("best_step"), "steps": self._of("n_steps")}

    @cached_property
    def answers(self) -> "AnswersBeside | None":
        """None where one of them has none that can be read."""
        then, now = read_answers(self.then.folder), read_answers(self.now.folder)
        return None if then is None or now is None else AnswersBeside(then, now)

    @property
    def versions(self) -> dict[str, Pair]:
        """The packages whose versions differ."""
        then, now = self.then.versions, self.now.versions
        shared = [name for name in then if name in now]  # else it was not recorded
        return {name: (then[name], now[name]) for name in shared if then[name] != now[name]}

    @property
    def data(self) -> dict[str, Pair]:
        """The fingerprint of each split."""
        then, now = self.then.fingerprint, self.now.fingerprint
        return {split: (then.get(split), now.get(split)) for split in ("train", "eval")}

    def suspects(self) -> Iterator[str]:
        """Why the numbers may differ, the likeliest reason first."""
        yield from self._data_suspects()
        if self.then.unknown_settings:
            names = ", ".join(self.then.unknown_settings)
            yield f"settings that this version does not know: {names}"
        yield from self._model_suspects()
        for name, title in _PLACES.items():
            then, now = self._of(name)
            if None not in (then, now) and then != now:
                yield f"{title}: {then} then, {now} now"
        if self.versions:
            yield f"other versions of {', '.join(self.versions)}"
        if "cuda" in str(self._of("device")):
            yield "a GPU does not add up in the same order each time"

    def _data_suspects(self) -> Iterator[str]:
        for split, (then, now) in self.data.items():
            if None not in (then, now) and then != now:
                yield f"the {split} examples are others than then"
        if not self.then.fingerprint:
            yield "the record does not say which examples it was, and they may be others now"

    def _model_suspects(self) -> Iterator[str]:
        then, now = self._of("model_revision")
        if then is None and now is not None:
            yield "the record does not say which commit of the model it was"
        elif then != now:
            yield f"commit of the model: {then} then, {now} now"
        elif now is None and hasattr(self.now.config.model, "path"):
            yield "the folder of the model may hold other weights than then"

    def _of(self, name: str) -> Pair:
        return self.then.result.get(name), self.now.result.get(name)


# Where and how it was computed, in the order in which it matters.
_PLACES: Mapping[str, str] = {
    "device": "device",
    "cpu_capability": "instructions of the CPU",
    "n_threads": "threads",
    "git": "commit of the working folder",
}


@dataclass(frozen=True, eq=False)
class AnswersBeside:
    """The answers of both to the held-out questions."""

    then: Answers
    now: Answers

    @property
    def are_same_questions(self) -> bool:
        return self.then.ids == self.now.ids

    @property
    def n_same(self) -> int:
        """Questions that got the same answer."""
        if not self.are_same_questions:
            return 0
        return sum(map(str.__eq__, self.then.texts, self.now.texts))

    @property
    def largest_difference(self) -> float | None:
        """Between the scores of candidates; None where these are not the same spans."""
        if not self.are_same_questions or self.then.spans != self.now.spans:
            return None
        then, now = self.then.scores, self.now.scores
        differs = then != now  # where both are infinite they are equal, yet have no difference
        return float(np.abs(then[differs] - now[differs]).max(initial=0.0))

    @property
    def are_equal(self) -> bool:
        return self.n_same == len(self.then.ids) and self.largest_difference == 0.0
