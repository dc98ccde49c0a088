"""Tables: medians of the raw numbers, with the lowest and the highest beside them."""

from collections.abc import Iterable, Sequence
from statistics import median

from rich.table import Table

from sweeper_parts.overhead import Cost, Run, costs
from sweeper_parts.pruning import PRUNERS, PruningRun
from sweeper_parts.systems import System
from sweeper_parts.uneven import UnevenRun

_SPREAD = "median (lowest–highest)"


def overhead_table(systems: Sequence[System], runs: Sequence[Run]) -> Table:
    """Milliseconds a trial over each stretch of trials, and how CPU time compares."""
    all_costs = costs(runs)
    stretches = sorted({(cost.first, cost.last) for cost in all_costs})
    stretches_shown = [f"{first}–{last}" for first, last in stretches]
    table = _table(
        f"overhead: ms a trial that does nothing, {_SPREAD}",
        "system",
        *(f"{kind}\n{shown}" for shown in stretches_shown for kind in ("CPU", "wall")),
        "CPU, last\nby first",
        "CPU, by the quickest\nHydra sweeper's",
    )
    quickest = _quickest(systems, all_costs, stretches[-1])
    for system in systems:
        by_stretch = [_of(all_costs, system.name, stretch) for stretch in stretches]
        cells = [
            _spread(values, "{:.0f}")
            for cost in by_stretch
            for values in ([c.cpu_ms for c in cost], [c.wall_ms for c in cost])
        ]
        first, last = (_median_cpu(by_stretch[end]) for end in (0, -1))
        table.add_row(system.name, *cells, _ratio(last, first), _ratio(last, quickest))
    return table


def uneven_table(systems: Sequence[System], runs: Sequence[UnevenRun]) -> Table:
    """How busy two workers were kept, and how busy they can be kept with the same jobs."""
    table = _table(
        f"uneven trials on 2 workers, {_SPREAD}",
        "system",
        "efficiency",
        "s before\nfirst job",
        "s first to\nlast job",
        "s after\nlast job",
    )
    for system in systems:
        own = [run for run in runs if run.system == system.name]
        table.add_row(
            system.name,
            _spread([run.efficiency for run in own], "{:.2f}"),
            _spread([run.before_s for run in own]),
            _spread([run.between_s for run in own]),
            _spread([run.after_s for run in own]),
        )
    table.add_section()
    table.add_row("a queue without overhead", _spread([run.best_queue for run in runs], "{:.2f}"))
    table.add_row("batches without overhead", _spread([run.best_batches for run in runs], "{:.2f}"))
    return table


def pruning_table(runs: Sequence[PruningRun]) -> Table:
    """What pruning saves against the same grid without it."""
    table = _table(
        f"pruning a grid of learning curves, {_SPREAD}",
        "pruner",
        "s",
        "steps",
        "s, by unpruned",
        "best point found",
    )
    unpruned = {run.seed: run.wall_s for run in runs if run.pruner == PRUNERS[0]}
    for pruner in PRUNERS:
        own = [run for run in runs if run.pruner == pruner]
        table.add_row(
            pruner,
            _spread([run.wall_s for run in own]),
            _spread([run.n_steps for run in own], "{:.0f}"),
            _spread([run.wall_s / unpruned[run.seed] for run in own], "{:.2f}"),
            f"{sum(run.found for run in own)} of {len(own)}",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title)
    table.add_column(first, overflow="fold")
    for column in others:
        table.add_column(column, justify="right")
    return table


def _of(all_costs: Iterable[Cost], name: str, stretch: tuple[int, int]) -> list[Cost]:
    return [c for c in all_costs if c.system == name and (c.first, c.last) == stretch]


def _quickest(
    systems: Sequence[System], all_costs: Sequence[Cost], stretch: tuple[int, int]
) -> float | None:
    """CPU milliseconds of the quickest Hydra sweeper that is not ours."""
    others = [_of(all_costs, s.name, stretch) for s in systems if s.is_hydra_sweeper]
    medians = [_median_cpu(own) for own in others]
    return min((value for value in medians if value is not None), default=None)


def _median_cpu(own: Sequence[Cost]) -> float | None:
    return median(cost.cpu_ms for cost in own) if own else None


def _ratio(value: float | None, reference: float | None) -> str:
    return f"{value / reference:.2f}" if value and reference else ""


def _spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    if not values:
        return ""
    middle, *ends = (form.format(value) for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({'–'.join(ends)})"
