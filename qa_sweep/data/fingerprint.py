"""Fingerprint: by which it is seen later whether examples are the same, to the last character."""

import hashlib
import json
from collections.abc import Sequence

from qa_sweep.qa.example import Example


def fingerprint(examples: Sequence[Example]) -> str:
    """The SHA-256 of all that the examples say, in their order, in hexadecimal digits."""
    contexts: dict[str, int] = {}  # each once: several questions are asked about one
    rows = [
        (
            example.id,
            example.question,
            contexts.setdefault(example.context, len(contexts)),
            example.title,
            [(reference.text, reference.start) for reference in example.references],
        )
        for example in examples
    ]
    return hashlib.sha256(json.dumps([rows, list(contexts)]).encode()).hexdigest()
