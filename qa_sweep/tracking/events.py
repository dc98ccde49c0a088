"""What happened to a run, as values that can be kept in a file and applied to a run of a tracker.

An event is a JSON object: `do` says what it is, `time` when it was (seconds since the epoch). Texts
in it are redacted, escaped and capped already. Steps and numbers are explicit, so that applying an
event twice leaves what applying it once does.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from qa_sweep.redaction import redact
from qa_sweep.tracking.environment import software_record
from qa_sweep.tracking.markup import encodable, escape, shorten, without_markup
from qa_sweep.tracking.tracker import AnsweredQuestion, Outcome, Subset
from qa_sweep.tracking.values import PlainValue

Event = dict[str, Any]
Readings = Sequence[tuple[str, int | None, float]]  # name, index of the GPU if of one, value

FORMAT = 1  # of the events in a file
MAX_TEXT_CHARS = 10_000
MAX_ERROR_CHARS = 2_000
MAX_LINE_CHARS = 1_000
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
FIELDS = {  # that an event has beside `do` and `time`
    "open": {"format", "repo", "hash", "attempt", "experiment", "name", "software"},
    "params": {"section", "values"},
    "metrics": {"values", "step", "epoch", "subset"},
    "texts": {"texts", "step", "context"},
    "line": {"number", "text"},
    "usage": {"number", "readings"},
    "close": {"outcome", "error"},
}


def opening(repo: str, run_hash: str, experiment: str, run_name: str, folder: str) -> Event:
    """The run of `run_hash` begins, or goes on; `folder` is where its code lies.

    What follows up to the next opening belongs to this `attempt`.
    """
    return {
        "do": "open",
        "format": FORMAT,
        "repo": repo,
        "hash": run_hash,
        "attempt": uuid.uuid4().hex[:12],
        "experiment": encodable(experiment),
        "name": encodable(run_name),
        "software": software_record(folder),
    }


def params(section: str, values: PlainValue) -> Event:
    return {"do": "params", "section": section, "values": values}


def metrics(values: Mapping[str, float], step: int, epoch: float | None, subset: Subset) -> Event:
    return {
        "do": "metrics",
        "values": values,
        "step": step,
        "epoch": epoch,
        "subset": subset.value,
    }


def answer(question: AnsweredQuestion, step: int) -> Event:
    """A question, its answer, and what is known of the right one, as texts at their own step."""
    texts = {"question": question.question, "answer": question.answer}
    if question.reference is not None:
        texts["reference"] = question.reference
    if (score := score_of(question)) is not None:
        texts["score"] = score
    return {
        "do": "texts",
        "texts": {name: escape(text, MAX_TEXT_CHARS) for name, text in texts.items()},
        "step": step,
        "context": {
            "context": escape(question.context, MAX_TEXT_CHARS),
            "source": question.source,
            "result": result_of(question),
        },
    }


def log_line(number: int, text: str) -> Event:
    """Line `number` of an attempt, as it was logged."""
    shown = escape(redact(TERMINAL_CODES.sub("", text)), MAX_LINE_CHARS)
    return {"do": "line", "number": number, "text": shown}


def usage(number: int, readings: Readings) -> Event:
    """Reading `number` of an attempt."""
    return {"do": "usage", "number": number, "readings": readings}


def closing(outcome: Outcome, error: str | None) -> Event:
    # A param, as far as Aim is concerned.
    reason = None if error is None else without_markup(shorten(redact(error), MAX_ERROR_CHARS))
    return {"do": "close", "outcome": outcome.value, "error": reason}


def is_event(value: object) -> bool:
    """Whether `value`, read from a file, has the fields of an event."""
    if not isinstance(value, dict) or not isinstance(value.get("do"), str):
        return False
    fields = FIELDS.get(value["do"])
    return fields is not None and fields | {"time"} <= value.keys()


def result_of(question: AnsweredQuestion) -> str:
    """One word to filter for."""
    scores = [score for score in (question.exact_match, question.f1) if score is not None]
    if not scores:
        return "unknown"
    if scores[0] >= 1:
        return "right"
    return "partly" if scores[-1] > 0 else "wrong"


def score_of(question: AnsweredQuestion) -> str | None:
    scores = {"EM": question.exact_match, "F1": question.f1}
    known = [f"{name} {score:.2g}" for name, score in scores.items() if score is not None]
    return ", ".join(known) or None
