"""Twin: a study that is like a new one, but for settings that only one of the two has.

An upgrade that brings or drops a setting changes what a study is known by: the same command then
begins a new one.
"""

import shlex
from collections.abc import Iterator
from contextlib import suppress

import optuna

from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.lock import SUFFIX
from qa_sweep.sweep.opening import ignoring, known_identity
from qa_sweep.sweep.spelling import spell
from qa_sweep.sweep.storage import StudyStorage


def describe_twin(storage: StudyStorage, name: str, identity: Identity) -> str | None:
    """What to say of the latest twin of the study `name`, and how to go on with it; None for none.

    Only studies whose names begin alike are looked at.
    """
    for study in _siblings(storage, name):
        with suppress(StudyError):  # of a later version
            if keys := identity.known_to_one(known_identity(study).as_dict()):
                there = shlex.quote(f"hydra.sweeper.study_name={spell(study.study_name)}")
                return (
                    f"study {study.study_name} is like this one but for settings that only one of "
                    f"them has ({', '.join(keys)}); to go on with that one: {there} "
                    f"{ignoring(identity, keys)}"
                )
    return None


def _siblings(storage: StudyStorage, name: str) -> Iterator[optuna.Study]:
    """The other studies of the same prefix, the one that was made last first."""
    prefix = name.rpartition("-")[0]
    for other in reversed(optuna.get_all_study_names(storage.backend)):
        is_sibling = other.rpartition("-")[0] == prefix and other != name
        if is_sibling and not other.endswith(SUFFIX):
            yield optuna.load_study(study_name=other, storage=storage.backend)
