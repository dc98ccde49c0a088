"""Opening a study: making it where it is missing, and refusing one that was made otherwise."""

import shlex
from collections.abc import Iterable

import optuna
from optuna.study import StudyDirection

from qa_sweep.errors import StudyError
from qa_sweep.sweep import internals
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.spelling import spell
from qa_sweep.sweep.storage import StudyStorage

_IDENTITY = "identity"
_FORMAT = "format"
# Of what a sweep keeps in a study. To be raised where an older version would misread it; studies
# that name none are of format 1.
FORMAT = 1


def open_study(storage: StudyStorage, name: str, identity: Identity) -> optuna.Study:
    """Create the study, or load it if it is the same one.

    Raises StudyError with the differences where a study of this name has another space, objective
    or fixed setting, or was made by a later version.
    """
    with storage.lock(name):
        study = optuna.create_study(
            storage=storage.backend,
            study_name=name,
            directions=[StudyDirection[o.direction.upper()] for o in identity.objectives],
            load_if_exists=True,
        )
        if _IDENTITY not in study.user_attrs:
            internals.name_objectives(study, [o.name for o in identity.objectives])
            study.set_user_attr(_FORMAT, FORMAT)
            study.set_user_attr(_IDENTITY, identity.as_dict())
            return study
    check_identity(study, identity)
    return study


def check_identity(study: optuna.Study, identity: Identity) -> None:
    """Raises StudyError where the study was made with other settings, or by a later version."""
    known = known_identity(study).as_dict()
    differences = identity.differences_from(known)
    if not differences:
        return
    keys = identity.known_to_one(known)
    ignored = f"where these change no result, ignore them: {ignoring(identity, keys)}"
    way_out = ignored if keys else "go back to them"
    raise StudyError(
        f"study {study.study_name} was made with other settings ({'; '.join(differences)}); "
        f"{way_out}, or choose another name: hydra.sweeper.study_name=…"
    )


def ignoring(identity: Identity, keys: Iterable[str]) -> str:
    """What to type for the fixed settings `keys` to be ignored too."""
    names = ",".join(map(spell, [*identity.ignored, *keys]))
    return shlex.quote(f"hydra.sweeper.ignored_settings=[{names}]")


def is_of_sweep(study: optuna.Study) -> bool:
    """Whether a sweep made the study, of whatever version."""
    return _IDENTITY in study.user_attrs


def known_identity(study: optuna.Study) -> Identity:
    """What the study was made with.

    Raises StudyError for a study that no sweep made, or a later version's.
    """
    if not is_of_sweep(study):
        raise StudyError(f"study {study.study_name} was not made by a sweep")
    found = study.user_attrs.get(_FORMAT, 1)
    if not isinstance(found, int) or found > FORMAT:
        raise StudyError(
            f"study {study.study_name} must be of format {FORMAT} or lower, but is of format "
            f"{found}, which a later version made; update qa_sweep, or choose another name: "
            "hydra.sweeper.study_name=…"
        )
    try:
        return Identity.from_dict(study.user_attrs[_IDENTITY])
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(
            f"study {study.study_name} must name its space, objectives and settings, but cannot be "
            f"read ({type(error).__name__}: {error}); choose another name: "
            "hydra.sweeper.study_name=…"
        ) from error
