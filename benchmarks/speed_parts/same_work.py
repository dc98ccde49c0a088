"""Same work: the times of contenders that train the same points, and what came of each point."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from rich.table import Table

from speed_parts.contenders import Found
from speed_parts.ratios import in_words, ratio

CLOCKS = {"wall_s": "wall", "cpu_s": "CPU"}
METRICS = {"exact_match": ".1f", "f1": ".1f", "loss": ".3f"}
REFERENCE = "tutorial"
ABOUT_LOSS = "A loss counts padded columns among the wrong answers: more of them, a higher loss."

Pairs = Sequence[dict[str, Found]]
Point = tuple[int, float]  # batch size and learning rate


def require_same_work(pair: dict[str, Found], n_points: int) -> None:
    """End the benchmark where a contender trained other points, or another number of steps."""
    for name, found in pair.items():
        steps, expected = (
            {_key(point): point["n_steps"] for point in each["points"]}
            for each in (found, pair[REFERENCE])
        )
        if steps != expected or len(steps) != n_points:
            sys.exit(
                f"{name} must train the {n_points} points of {REFERENCE}, with steps "
                f"{expected}, but trained {steps}; see what --keep leaves"
            )


def tables(pairs: Pairs) -> Iterator[Table]:
    yield times_table(pairs)
    yield ratio_table(pairs)
    yield quality_table(pairs)


def times_table(pairs: Pairs) -> Table:
    names = list(pairs[0])  # other pairs have another order
    table = Table("pair", *names, title="wall s (CPU s)", box=None)
    for number, pair in enumerate(pairs, start=1):
        cells = (f"{pair[name]['wall_s']:,.1f} ({pair[name]['cpu_s']:,.1f})" for name in names)
        table.add_row(str(number), *cells)
    return table


def ratio_table(pairs: Pairs) -> Table:
    title = f"{REFERENCE} by …, {in_words(len(pairs))}"
    table = Table("", *CLOCKS.values(), title=title, box=None)
    for name in pairs[0]:
        if name != REFERENCE:
            table.add_row(name, *(_ratio(pairs, name, clock) for clock in CLOCKS))
    return table


def quality_table(pairs: Pairs) -> Table:
    """What came of each point, and how often which was best."""
    title = "EM, F1, eval loss of each point, median over the pairs"
    table = Table("batch, rate", *pairs[0], title=title, caption=ABOUT_LOSS, box=None)
    for key in sorted(_points(pairs[0][REFERENCE])):
        cells = (_quality([pair[name] for pair in pairs], key) for name in pairs[0])
        table.add_row(_spell(key), *cells)
    table.add_section()
    table.add_row("best by F1", *(_winners([pair[name] for pair in pairs]) for name in pairs[0]))
    return table


def _ratio(pairs: Pairs, name: str, clock: str) -> str:
    return ratio([pair[REFERENCE][clock] for pair in pairs], [pair[name][clock] for pair in pairs])


def _quality(found: Sequence[Found], key: Point) -> str:
    points = [_points(each)[key] for each in found]
    return "  ".join(f"{median(p[name] for p in points):{form}}" for name, form in METRICS.items())


def _winners(found: Sequence[Found]) -> str:
    """The best point; where that is not the same in all pairs, how often each was."""
    best = [max(_points(each).items(), key=lambda item: item[1]["f1"])[0] for each in found]
    counts = Counter(best).most_common()
    if len(counts) == 1:
        return _spell(counts[0][0])
    return "; ".join(f"{_spell(key)}: {count}" for key, count in counts)


def _points(found: Found) -> dict[Point, Found]:
    return {_key(point): point for point in found["points"]}


def _key(point: Found) -> Point:
    return point["batch_size"], point["learning_rate"]


def _spell(key: Point) -> str:
    return f"{key[0]}, {key[1]:g}"
