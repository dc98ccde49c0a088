"""Finding: something in which studies and Aim's runs do not agree, and how it is mended."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What was found, and what mends it; in the order in which it is mended."""

    waiting = "not yet written to Aim", "writes it"
    dead_worker = "trials whose worker is gone", "hands them back to the study"
    ghost = "runs that are open although nothing works on them", "closes them"
    outcome = "runs that end otherwise than their trial", "has them say what the study says"
    lost = "trials whose run is gone", "makes a run of what the study and the folder hold"
    unreadable = "runs that cannot be read", "deletes them, with --yes"
    doubled = "runs beside their trial's own", "deletes them, with --yes"
    homeless = "runs of no trial of the study", "deletes them, with --yes"
    unindexed = "runs that Aim's index lacks or shows as they were", "has Aim index them"

    def __init__(self, title: str, remedy: str) -> None:
        self.title = title
        self.remedy = remedy


DELETING = (Kind.unreadable, Kind.doubled, Kind.homeless)


@dataclass(frozen=True)
class Finding:
    """One of a kind; `mend` returns whether it did."""

    kind: Kind
    text: str
    mend: Callable[[], bool]

    @property
    def deletes(self) -> bool:
        return self.kind in DELETING
