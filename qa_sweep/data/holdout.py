"""Hold-out: a seeded part of the examples, to evaluate on."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

from qa_sweep.config.data import HoldoutBy
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example


def hold_out(
    examples: Sequence[Example], share: float, by: HoldoutBy, seed: int
) -> tuple[list[Example], list[Example]]:
    """Return the examples that are kept and the `share` of them that is held out.

    Both are in random order, so that a limit takes a fair sample of them. By context or by title
    none of these is on both sides, and as many are held out as come nearest to the share.
    Raises DataError where that is impossible.
    """
    rng = random.Random(seed)
    shuffled = list(examples)
    rng.shuffle(shuffled)
    n_wanted = max(1, round(share * len(shuffled)))
    if by is HoldoutBy.question:
        return shuffled[n_wanted:], shuffled[:n_wanted]
    groups = _groups(shuffled, _key_of(by))
    held_out = _draw(groups, n_wanted, by, rng)
    return (
        [example for example, group in zip(shuffled, groups, strict=True) if group not in held_out],
        [example for example, group in zip(shuffled, groups, strict=True) if group in held_out],
    )


def _key_of(by: HoldoutBy) -> Callable[[Example], str]:
    return _context if by is HoldoutBy.context else _title


def _context(example: Example) -> str:
    return example.context


def _title(example: Example) -> str:
    if not example.title:
        raise DataError(
            f"each question must have a title to be held out by, but {example.id!r} has none; "
            f"pass data.holdout_by=context"
        )
    return example.title


def _groups(examples: Sequence[Example], key: Callable[[Example], str]) -> list[str]:
    """Return the group of each example: its key, or that of another with the same context.

    A passage may stand under two titles; these are one group then.
    """
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            name = parents[name]
        return name

    first_of_context: dict[str, str] = {}
    for example in examples:
        name = root(key(example))
        parents[name] = root(first_of_context.setdefault(example.context, name))
    return [root(key(example)) for example in examples]


def _draw(groups: Sequence[str], n_wanted: int, by: HoldoutBy, rng: random.Random) -> set[str]:
    """Draw the groups that are held out, until a further one would lead further away."""
    sizes = Counter(groups)
    if len(sizes) < 2:
        raise DataError(
            f"there must be two {by.value}s at least to hold out by {by.value}, but all "
            f"{len(groups)} questions have one; add data, or pass data.holdout_by=question"
        )
    held_out: set[str] = set()
    n_drawn = 0
    for group in rng.sample(list(sizes), len(sizes) - 1):
        if held_out and abs(n_drawn + sizes[group] - n_wanted) > abs(n_drawn - n_wanted):
            break
        held_out.add(group)
        n_drawn += sizes[group]
    return held_out
