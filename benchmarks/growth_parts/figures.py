"""Figures: what was measured at which size, and tables of how it grows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import linear_regression, median

from rich.table import Table

Point = tuple[int, float]  # size and value

N_SETTLING = 10  # trials until memory that is kept for good is there


@dataclass(frozen=True)
class Figure:
    """`value` of `quantity`, which names the unit, of `what` at a size: times of data, trials, …"""

    part: str
    what: str
    quantity: str
    size: int
    value: float


Step = Callable[[int], list[Figure]]  # measures, in the repeat of this number


def growth_table(title: str, unit: str, figures: Sequence[Figure]) -> Table:
    """A row a quantity; beside each size by how much more than the size it grew since the last.

    The last column leaves out what is paid once: it compares what one more costs, at both ends.
    """
    sizes = sorted({figure.size for figure in figures})
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("")
    for size in sizes:
        table.add_column(f"{size} {unit}", justify="right")
        if size != sizes[0]:
            table.add_column("by linear", justify="right")
    table.add_column("one more,\nlast by first", justify="right")
    for what, quantity in rows_of(figures):
        cells, points = [], []
        for size in sizes:
            values = values_of(figures, what, quantity, size)
            cells += _cells(size, values, points, is_first=size == sizes[0])
            points += [(size, median(values))] if values else []
        table.add_row(what, quantity, *cells, _bend(points))
    return table


def slope_table(title: str, figures: Sequence[Figure]) -> Table:
    """A row a quantity of a process that does one trial after the other: some values, the slope."""
    last = max(figure.size for figure in figures)
    sizes = sorted({1, min(N_SETTLING, last), (N_SETTLING + last) // 2, last})
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("")
    for size in sizes:
        table.add_column(f"after {size}", justify="right")
    table.add_column(f"a trial, from {N_SETTLING} on", justify="right")
    for what, quantity in rows_of(figures):
        own = [f for f in figures if (f.what, f.quantity) == (what, quantity)]
        cells = [_spread(values_of(own, what, quantity, size)) for size in sizes]
        table.add_row(what, quantity, *cells, _slope(own))
    return table


def rows_of(figures: Iterable[Figure]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((figure.what, figure.quantity) for figure in figures))


def values_of(figures: Iterable[Figure], what: str, quantity: str, size: int) -> list[float]:
    key = what, quantity, size
    return [f.value for f in figures if (f.what, f.quantity, f.size) == key]


def _cells(
    size: int, values: Sequence[float], before: Sequence[Point], *, is_first: bool
) -> list[str]:
    """The value, and unless it is the first size, its growth since the point before."""
    shown = _spread(values)
    if is_first:
        return [shown]
    if not values or not before or before[-1][1] <= 0:
        return [shown, ""]
    size_before, value_before = before[-1]
    ratio = median(values) / value_before * size_before / size
    return [shown, f"{ratio:.2f}"]


def _bend(points: Sequence[Point]) -> str:
    """What one more costs between the last two sizes, by what it costs between the first two."""
    slopes = [(after[1] - one[1]) / (after[0] - one[0]) for one, after in pairwise(points)]
    if len(slopes) < 2 or slopes[0] <= 0:
        return ""
    return f"{slopes[-1] / slopes[0]:.2f}"


def _slope(figures: Sequence[Figure]) -> str:
    settled = [figure for figure in figures if figure.size >= N_SETTLING]
    if len({figure.size for figure in settled}) < 2:
        return ""
    line = linear_regression([f.size for f in settled], [f.value for f in settled])
    return f"{line.slope:+.3f}"


def _spread(values: Sequence[float]) -> str:
    """Median, lowest and highest."""
    if not values:
        return ""
    if len(values) == 1:
        return shown(values[0])
    return f"{shown(median(values))} ({shown(min(values))}–{shown(max(values))})"


def shown(value: float) -> str:
    """Three digits, none of them in an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
