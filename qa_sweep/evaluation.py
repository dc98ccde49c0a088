"""Evaluation: from a reader and windows to answers, their scores and the loss."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qa_sweep.config import EvaluationConfig
from qa_sweep.data.preparation import prepare
from qa_sweep.device_spans import Spans, SpansOnDevice, SpansOnHost
from qa_sweep.model import Reader
from qa_sweep.qa.candidates import Candidates
from qa_sweep.qa.example import Example
from qa_sweep.qa.fitting import Fitting
from qa_sweep.qa.no_answer import squad_v2
from qa_sweep.qa.scores import Scores, percent, score
from qa_sweep.qa.windows import Batch, Windows, pad_windows
from qa_sweep.transfer import to_device

PAD_TO_MULTIPLE_OF = 8  # tokens; what tensor cores and vector units like


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a reader makes of a split: candidate spans, and how good they are.

    Where a question has no answer, what is said and scored is decided by cross-fitting, so that no
    question's own reference had a say in it. Else it is the best candidate.
    """

    candidates: Candidates
    answers: list[str]  # the chosen text of each example, "" for no answer
    scores: Scores
    loss: float  # mean over windows
    fitting: Fitting  # the decision for use, fitted on demand

    @property
    def metrics(self) -> dict[str, float]:
        return {
            "f1": self.scores.f1,
            "exact_match": self.scores.exact_match,
            "loss": self.loss,
            **self._metrics_by_answerability(),
        }

    def squad_v2(self) -> dict[str, float] | None:
        """What the official v2.0 script says; None where each question has an answer.

        A question's no-answer score is its margin less the cross-fitted threshold.
        """
        if not self.fitting.may_have_no_answer:
            return None
        ids, verdict = self.scores.ids, self.fitting.cross_fitted
        spans = dict(zip(ids, self.fitting.texts(verdict.span), strict=True))
        no_answer = dict(zip(ids, verdict.no_answer.tolist(), strict=True))
        references = dict(zip(ids, self.fitting.references, strict=True))
        return squad_v2(spans, references, no_answer, threshold=0.0)

    def _metrics_by_answerability(self) -> dict[str, float]:
        if not self.fitting.may_have_no_answer:
            return {}
        values = {
            "f1": self.scores.f1_by_question,
            "exact_match": self.scores.exact_match_by_question,
        }
        has_answer = np.array([bool(texts) for texts in self.fitting.references])
        parts = {"has_answer": has_answer, "no_answer": ~has_answer}
        return {
            f"{part}_{name}": percent(value[which])
            for part, which in parts.items()
            if which.any()
            for name, value in values.items()
        }


def evaluate(
    reader: Reader,
    windows: Windows,
    examples: Sequence[Example],
    config: EvaluationConfig,
    autocast: torch.dtype | None = None,
    spans_on_device: bool = True,
) -> Evaluation:
    """Answer `examples`, whose windows are `windows`, and score the answers."""
    candidates, loss = predict(reader, windows, config, autocast, spans_on_device)
    return judge(candidates, loss, examples, config.max_answer_length)


def judge(
    candidates: Candidates, loss: float, examples: Sequence[Example], max_answer_length: int
) -> Evaluation:
    """Choose and score an answer of each example from its candidates."""
    fitting = Fitting(candidates, examples, max_answer_length)
    if fitting.may_have_no_answer:
        verdict = fitting.cross_fitted
        answers, scores = fitting.texts(verdict.which), fitting.scores(verdict)
        return Evaluation(candidates, answers, scores, loss, fitting)
    answers = candidates.best_texts([example.context for example in examples])
    scores = score(
        {example.id: answer for example, answer in zip(examples, answers, strict=True)},
        {example.id: [gold.text for gold in example.references] for example in examples},
    )
    return Evaluation(candidates, answers, scores, loss, fitting)


def answer(
    reader: Reader,
    examples: Sequence[Example],
    config: EvaluationConfig,
    max_length: int,
    doc_stride: int,
    spans_on_device: bool = True,
) -> Candidates:
    """The n-best answers to questions that need no reference."""
    windows = prepare(examples, reader.tokenizer, max_length, doc_stride, reader.mark_overlap)
    return predict(reader, windows, config, spans_on_device=spans_on_device)[0]


def predict(
    reader: Reader,
    windows: Windows,
    config: EvaluationConfig,
    autocast: torch.dtype | None = None,
    spans_on_device: bool = True,
) -> tuple[Candidates, float]:
    """The n-best of each example, and the mean loss over windows; leaves the reader's mode alone.

    Windows of like length share a batch, so that little is computed on padding; of the logits only
    the best spans are kept. A GPU finds those itself, unless `spans_on_device` is False, and is
    asked for nothing until the end, or till some megabytes of them wait.
    """
    device = reader.model.device
    spans = _spans(windows, config, spans_on_device and device.type == "cuda")
    total_loss = torch.zeros((), dtype=torch.float64, device=device)
    with _reading(reader, device, autocast):
        for rows in _by_length(windows, config.batch_size):
            batch = pad_windows(
                windows, rows, reader.tokenizer.pad_token_id or 0, multiple_of=PAD_TO_MULTIPLE_OF
            )
            output = reader.model(**model_input(batch, reader.takes_token_types, device))
            total_loss += output.loss.double() * len(rows)
            spans.add(rows, output.start_logits, output.end_logits)
    return spans.finish(), float(total_loss) / len(windows)


def model_input(
    batch: Batch, takes_token_types: bool, device: torch.device | None = None
) -> dict[str, torch.Tensor]:
    """The tensors that a question-answering model takes; labels are (n_rows,)."""
    arrays = {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "start_positions": batch.start_labels,
        "end_positions": batch.end_labels,
    }
    if takes_token_types:
        arrays["token_type_ids"] = batch.token_types
    return {name: to_device(array, device) for name, array in arrays.items()}


def _spans(windows: Windows, config: EvaluationConfig, on_device: bool) -> Spans:
    kind = SpansOnDevice if on_device else SpansOnHost
    return kind(windows, config.n_best, config.max_answer_length)


def _by_length(windows: Windows, batch_size: int) -> Iterator[NDArray[np.int64]]:
    order = np.argsort(windows.lengths, kind="stable")[
        ::-1
    ]  # the longest first: memory shows early
    return (order[i : i + batch_size] for i in range(0, len(order), batch_size))


@contextlib.contextmanager
def _reading(reader: Reader, device: torch.device, autocast: torch.dtype | None) -> Iterator[None]:
    was_training = reader.model.training
    reader.model.eval()
    try:
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=autocast, enabled=autocast is not None),
        ):
            yield
    finally:
        reader.model.train(was_training)
