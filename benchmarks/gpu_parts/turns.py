"""Turns: contenders measured one after the other, again and again, and what is said of that."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")


def take_turns(
    contenders: Mapping[str, Callable[[], Result]], n_turns: int
) -> dict[str, list[Result]]:
    """Measure each in each turn, every other turn backwards: a drift then meets all alike."""
    found: dict[str, list[Result]] = {name: [] for name in contenders}
    for turn in range(n_turns):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            found[name].append(contenders[name]())
    return found


def ratio(times: Sequence[float], others: Sequence[float]) -> str:
    """How often `times` holds `others`, turn by turn: the median, the least and the greatest."""
    ratios = sorted(a / b for a, b in zip(times, others, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def milliseconds(times: Sequence[float]) -> str:
    in_ms = sorted(1000 * seconds for seconds in times)
    return f"{median(in_ms):.2f} ({in_ms[0]:.2f}–{in_ms[-1]:.2f})"
