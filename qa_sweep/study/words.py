"""A study's space and settings in words."""

import json
from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)

from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.summary import format_value

_MAX_CHARS = 60  # of a setting's value


def space_in_words(study: StudyOnDisk) -> dict[str, str]:
    """Param name → its distribution, and the condition under which a trial has it."""
    if study.identity is not None:
        return {name: _read(text) for name, text in study.identity.space.items()}
    return {
        name: _in_words(distribution)
        for trial in study.all_trials
        for name, distribution in trial.distributions.items()
    }


def objectives_in_words(study: StudyOnDisk) -> str:
    return ", ".join(f"{objective.direction} {objective.name}" for objective in study.objectives)


def settings_in_words(fixed: Mapping[str, Any]) -> list[str]:
    """One text for each section of the settings that are set: `data: name=squad seed=3`."""
    sections: dict[str, list[str]] = {}
    for key, value in fixed.items():
        if value not in (None, "", [], {}):
            section, _, name = key.rpartition(".")
            text = shorten(spell(value), _MAX_CHARS, placeholder=" …")
            sections.setdefault(section, []).append(f"{name}={text}")
    return [
        f"{section}: {' '.join(texts)}" if section else " ".join(texts)
        for section, texts in sections.items()
    ]


def spell(value: Any) -> str:
    """As in YAML: `null`, `true`, 0.00004."""
    return json.dumps(value) if value is None or isinstance(value, bool) else format_value(value)


def _read(text: str) -> str:
    """From a distribution as JSON and perhaps ` if ` and a condition, as identities have them."""
    _, end = json.JSONDecoder().raw_decode(text)
    return _in_words(json_to_distribution(text[:end])) + text[end:]


def _in_words(distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution):
        return ", ".join(map(spell, distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    text = f"{spell(distribution.low)} to {spell(distribution.high)}"
    if distribution.log:
        return f"{text}, logarithmic"
    if distribution.step is None:
        return text
    is_plain = isinstance(distribution, IntDistribution) and distribution.step == 1
    return f"{text}, whole numbers" if is_plain else f"{text} by {spell(distribution.step)}"
