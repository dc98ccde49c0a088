"""Opening a study: making it where it is missing, and refusing one that was made otherwise."""

import optuna
from optuna.study import StudyDirection

from qa_sweep.errors import StudyError
from qa_sweep.sweep import internals
from qa_sweep.sweep.identity import Identity
from qa_sweep.sweep.storage import StudyStorage

_IDENTITY = "identity"


def open_study(storage: StudyStorage, name: str, identity: Identity) -> optuna.Study:
    """Create the study, or load it if it is the same one.

    Raises StudyError with the differences where a study of this name has another space, objective
    or fixed setting.
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
            study.set_user_attr(_IDENTITY, identity.as_dict())
            return study
    check_identity(study, identity)
    return study


def check_identity(study: optuna.Study, identity: Identity) -> None:
    """Raises StudyError where the study was made with other settings."""
    differences = identity.differences_from(study.user_attrs.get(_IDENTITY, {}))
    if differences:
        raise StudyError(
            f"study {study.study_name} was made with other settings ({'; '.join(differences)}); "
            "go back to them, or choose another name: hydra.sweeper.study_name=…"
        )


def known_identity(study: optuna.Study) -> Identity:
    """What the study was made with. Raises StudyError for a study that no sweep made."""
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        raise StudyError(f"study {study.study_name} was not made by a sweep")
    return Identity.from_dict(known)
