"""Checks of settings, which say what must hold, what was found and what to pass."""

from qa_sweep.errors import ConfigError


def require(holds: bool, key: str, rule: str, found: object) -> None:
    """Raise ConfigError "`key` `rule`, but got `found`" unless it `holds`."""
    if not holds:
        raise ConfigError(f"{key} {rule}, but got {found!r}; pass {key}=…")


def require_at_least(lowest: float, key: str, found: float) -> None:
    require(found >= lowest, key, f"must be at least {lowest}", found)


def require_range(section: str, noun: str, low: int, high: int, lowest: int) -> None:
    """Check the settings `min_<noun>` and `max_<noun>` of a section."""
    require_at_least(lowest, f"{section}.min_{noun}", low)
    require(low <= high, f"{section}.max_{noun}", f"must be at least min_{noun} ({low})", high)
