"""Visible: a text of somebody's data, made fit to be shown in a terminal or on a page."""

import math
from collections.abc import Sequence

from qa_sweep.terminal import spelled_out

MAX_CHARS = 300  # of a question, an answer, a reference
_N_REFERENCES = 3
_NONE = "(no answer)"


def visible(text: str, max_chars: int = MAX_CHARS) -> str:
    r"""`text` on one line, cut where it is longer than `max_chars`; an escape is seen as `\x1b`."""
    shown = text if len(text) <= max_chars else text[: max_chars - 1] + "…"
    return spelled_out("".join(" " if char.isspace() else char for char in shown))


def visible_answer(answer: str, probability: float = math.nan) -> str:
    """The answer, or that there is none; with its probability, where that is known."""
    shown = visible(answer) or _NONE
    return shown if math.isnan(probability) else f"{shown}  (probability {probability:.2f})"


def visible_references(references: Sequence[str]) -> str:
    """The first few that differ, and how many more there are."""
    different = list(dict.fromkeys(references))
    shown = [visible(text) for text in different[:_N_REFERENCES]]
    n_more = len(different) - len(shown)
    return " | ".join([*shown, f"{n_more} more"] if n_more else shown) or _NONE
