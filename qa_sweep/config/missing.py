"""OmegaConf's mark for "must be given"."""

from typing import Any

MISSING: Any = "???"
