"""Telling: findings as lines for a person, or as JSON for a program."""

import json
from collections.abc import Iterator, Sequence

from qa_sweep.doctor.finding import Finding, Kind

N_SHOWN = 20  # of a kind


def in_words(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each kind with how many there are and what mends them, and one for each."""
    for kind, texts in _by_kind(findings):
        yield f"{kind.title}: {len(texts)}; --repair {kind.remedy}"
        yield from _capped(texts)


def mended_in_words(mended: Sequence[Finding]) -> Iterator[str]:
    for kind, texts in _by_kind(mended):
        yield f"mended: {kind.title}: {len(texts)}"
        yield from _capped(texts)


def _by_kind(findings: Sequence[Finding]) -> Iterator[tuple[Kind, list[str]]]:
    for kind in Kind:
        texts = [finding.text for finding in findings if finding.kind is kind]
        if texts:
            yield kind, texts


def _capped(texts: Sequence[str]) -> Iterator[str]:
    yield from (f"  {text}" for text in texts[:N_SHOWN])
    if len(texts) > N_SHOWN:
        yield f"  and {len(texts) - N_SHOWN} more"


def as_json(findings: Sequence[Finding], mended: Sequence[Finding]) -> str:
    content = {"mended": list(map(_plain, mended)), "left": list(map(_plain, findings))}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _plain(finding: Finding) -> dict[str, object]:
    return {"kind": finding.kind.name, "what": finding.text, "deletes": finding.deletes}
