"""Readings: what came of each row, and what the policy for broken rows makes of them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qa_sweep.config.data import OnBadRow
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault

log = logging.getLogger(__name__)

_N_PLACES = 3  # named of a kind of fault


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of the row at `where`: its example, or what is wrong with it."""

    where: str
    result: Example | BadRow


@dataclass(frozen=True)
class Source:
    """A split as it is read: its name, the path that says where it lies, and its rows."""

    name: str
    path: str
    readings: Iterable[Reading]


@dataclass(frozen=True)
class Settled:
    """The examples that a policy leaves, and the rows that were broken."""

    n_rows: int
    examples: list[Example]
    bad: list[BadRow]


def read(where: str, make: Callable[[], Example]) -> Reading:
    """Return what `make` makes of the row at `where`."""
    try:
        return Reading(where, make())
    except BadRow as bad:
        # Its traceback would keep the rows of each frame.
        return Reading(where, bad.with_traceback(None))


def settle(readings: Iterable[Reading], policy: OnBadRow) -> Settled:
    """Apply `policy` to the broken rows; a row whose id was there before is one of them.

    Of rows with one id the first is kept. Under `fail` the broken rows are left out too: it is for
    the caller to refuse them.
    """
    kept: dict[str, tuple[str, Example]] = {}
    bad: list[BadRow] = []
    n_rows = 0
    for n_rows, reading in enumerate(readings, start=1):  # noqa: B007
        result = reading.result
        if isinstance(result, BadRow):
            bad.append(result)
            if policy is not OnBadRow.repair or result.repaired is None:
                continue
            result = result.repaired
        where, first = kept.setdefault(result.id, (reading.where, result))
        if first is not result:
            bad.append(_repeated(reading.where, result, where, first))
    return Settled(n_rows, [example for _, example in kept.values()], bad)


def keep(source: Source, policy: OnBadRow) -> list[Example]:
    """Return the examples of `source` that can be used; broken rows are counted in the log.

    Raises DataError where a row is broken and the policy is to fail, and where none is left.
    """
    settled = settle(source.readings, policy)
    if settled.bad and policy is OnBadRow.fail:
        raise DataError(_refusal(settled.bad, source))
    if not settled.examples:
        raise DataError(_nothing_left(settled.bad, source))
    if settled.bad:
        log.warning("%s", describe(settled.bad, policy, source.name))
    return settled.examples


def describe(bad: Sequence[BadRow], policy: OnBadRow, source: str) -> str:
    """Say in one line how many rows of which kind were broken, where, and what became of them."""
    is_repaired = [policy is OnBadRow.repair and row.repaired is not None for row in bad]
    repaired = [row for row, done in zip(bad, is_repaired, strict=True) if done]
    left_out = [row for row, done in zip(bad, is_repaired, strict=True) if not done]
    parts = [
        f"{verb} {len(rows)}: {_by_fault(rows, source)}"
        for verb, rows in (("repaired", repaired), ("left out", left_out))
        if rows
    ]
    return f"{source}: {_rows(len(bad))} broken; {'; '.join(parts)}"


def _by_fault(bad: Sequence[BadRow], source: str) -> str:
    """`2 empty question (line 3, line 7), 1 repeated row (line 9)`, in order of occurrence."""
    groups: dict[Fault, list[str]] = {}
    for row in bad:
        groups.setdefault(row.fault, []).append(_place(row.where, source))
    return ", ".join(
        f"{len(places)} {fault.value} ({', '.join(places[:_N_PLACES])}"
        f"{', …' if len(places) > _N_PLACES else ''})"
        for fault, places in groups.items()
    )


def _place(where: str, source: str) -> str:
    """A row's place without the source in which it lies."""
    return where.removeprefix(source).lstrip(", /")


def _rows(count: int) -> str:
    return f"{count} row is" if count == 1 else f"{count} rows are"


def _refusal(bad: Sequence[BadRow], source: Source) -> str:
    if len(bad) == 1:
        return str(bad[0])
    command = f"python -m qa_sweep.data {source.path}"
    n_mended = sum(row.repaired is not None for row in bad)
    hint = f"; data.on_bad_row=repair mends {n_mended} of all {len(bad)}" if n_mended else ""
    return f"{bad[0]} ({_rows(len(bad) - 1)} broken too: `{command}` lists them{hint})"


def _nothing_left(bad: Sequence[BadRow], source: Source) -> str:
    rule = f"{source.name}: must hold at least one question, but"
    if not bad:
        return f"{rule} is empty"
    return f"{rule} all {len(bad)} rows are broken; the first: {bad[0]}"


def _repeated(where: str, example: Example, first_where: str, first: Example) -> BadRow:
    file = where.rsplit(", ", 1)[0]
    place = _place(first_where, file)
    rule = f"id must differ from those of other rows, but {example.id!r} is that of {place}"
    if example == first:
        return BadRow(where, f"{rule}, the same row; remove one", Fault.repeated_row)
    return BadRow(where, f"{rule}; remove or rename one", Fault.repeated_id)
