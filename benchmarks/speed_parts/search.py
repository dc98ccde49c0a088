"""Search: how much of a grid's compute finds a model as good as the grid's best.

Not the same work: trials that lag behind are ended. Each grid stands beside itself with the pruning
of `sweeps/search.yaml`, its points in a random order, since pruning saves the more the sooner a
good point comes; and the finer grid beside the search that this file describes.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from processes import measure
from rich.table import Table

from speed_parts.contenders import CACHE, Found, Turn
from speed_parts.ratios import in_words, ratio

OBJECTIVE = "f1"
SEARCH = "search"
TUTORIALS, FINER = "six", "eighteen"
GRIDS: dict[str, tuple[str, ...]] = {
    TUTORIALS: ("trainer.batch_size=16,32", "trainer.learning_rate=0.004,0.0004,0.00004"),
    FINER: (
        "trainer.batch_size=8,16,32",
        "trainer.learning_rate=0.01,0.004,0.001,0.0004,0.0001,0.00004",
    ),
}
PRUNED = ", pruned"  # after a grid's name
AS_GRID, AS_SEARCH = "sweeps=none", "sweeps=search"
RATIOS = {"wall_s": "wall", "cpu_s": "CPU", "compute_s": "trials' s", "n_runs": "runs trained"}
IN_ANY_ORDER = "hydra.sweeper.sampler=random"  # of a finite space it draws each point once

Pairs = Sequence[dict[str, Found]]


def n_points(grid: Sequence[str]) -> int:
    """Of overrides that list the values of each param."""
    return prod(param.count(",") + 1 for param in grid)


def ways(grids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What takes turns in each pair, and its overrides."""
    found: dict[str, tuple[str, ...]] = {}
    for name in grids:
        params = GRIDS[name]
        found[name] = (AS_GRID, *params)
        n_trials = f"hydra.sweeper.n_trials={n_points(params)}"
        found[name + PRUNED] = (AS_SEARCH, IN_ANY_ORDER, n_trials, *params)
    if FINER in grids:  # whose range is that of the search
        found[SEARCH] = (AS_SEARCH,)
    return found


def grid_beside(way: str) -> str:
    """The grid that a way is compared with."""
    return FINER if way == SEARCH else way.removesuffix(PRUNED)


def sweep(name: str, pair: int, overrides: Sequence[str]) -> Turn:
    """A sweep of ours; each pair has seeds and orders of its own, or all pairs would be alike."""
    seeds = [f"seed={42 + pair}", f"hydra.sweeper.seed={pair}"]

    def turn(folder: Path) -> dict[str, Found]:
        command = [sys.executable, "-m", "qa_sweep", "-m", *overrides, *seeds]
        measured = measure(command, folder, {CACHE: str(folder / "cache")})
        trials = _trials(folder)
        best = max((t for t in trials if _is_complete(t)), key=lambda t: t["metrics"][OBJECTIVE])
        n_reports = sum(trial["last_evaluation"] for trial in trials)
        found = {
            **asdict(measured),
            "compute_s": sum(trial["seconds"] for trial in trials),
            "n_evaluations": n_reports,
            "n_runs": n_reports / best["last_evaluation"],  # evaluations are evenly spaced
            "best": {"params": best["params"], **best["metrics"]},
            "trials": trials,
        }
        return {name: found}

    return turn


def seconds_until(found: Found, value: float) -> float | None:
    """The trials' seconds until a complete one is as good as `value`; None where none is."""
    seconds = 0.0
    for trial in sorted(found["trials"], key=lambda trial: trial["finished"]):
        seconds += trial["seconds"]
        if _is_complete(trial) and trial["metrics"][OBJECTIVE] >= value:
            return seconds
    return None


def keeps_winner(pair: dict[str, Found], name: str) -> bool:
    """Whether the winner is the grid's; of a space without its points, one that is as good."""
    winner, best = pair[grid_beside(name)]["best"], pair[name]["best"]
    return best["params"] == winner["params"] or best[OBJECTIVE] >= winner[OBJECTIVE]


def tables(pairs: Pairs) -> Iterator[Table]:
    yield _outcome_table(pairs)
    yield _ratio_table(pairs)


def _outcome_table(pairs: Pairs) -> Table:
    columns = (
        "wall s", "trials' s", "runs trained", "evaluations", "trials, pruned", "best F1",
        "best params",
    )  # fmt: skip
    table = Table("pair", "", *columns, box=None)
    for number, pair in enumerate(pairs, start=1):
        for name, found in pair.items():
            n_pruned = sum(trial["state"] == "pruned" for trial in found["trials"])
            table.add_row(
                str(number),
                name,
                f"{found['wall_s']:.1f}",
                f"{found['compute_s']:.1f}",
                f"{found['n_runs']:.2f}",
                str(found["n_evaluations"]),
                f"{len(found['trials'])}, {n_pruned}",
                f"{found['best'][OBJECTIVE]:.2f}",
                _spell(found["best"]["params"]),
            )
    return table


def _ratio_table(pairs: Pairs) -> Table:
    columns = (*RATIOS.values(), "s until as good", "winner kept", "F1 less")
    table = Table("", *columns, title=f"grid by …, {in_words(len(pairs))}", box=None)
    for name in pairs[0]:
        grid = grid_beside(name)
        if name != grid:
            table.add_row(
                f"{grid} by {name}",
                *(_ratio(pairs, name, figure) for figure in RATIOS),
                _ratio_until_as_good(pairs, name),
                f"{sum(keeps_winner(pair, name) for pair in pairs)} of {len(pairs)}",
                _lost(pairs, name),
            )
    return table


def _ratio(pairs: Pairs, name: str, figure: str) -> str:
    grid = grid_beside(name)
    return ratio([pair[grid][figure] for pair in pairs], [pair[name][figure] for pair in pairs])


def _ratio_until_as_good(pairs: Pairs, name: str) -> str:
    """Of those pairs in which it became as good as the grid's best."""
    grid = grid_beside(name)
    both = [
        (pair[grid]["compute_s"], seconds)
        for pair in pairs
        if (seconds := seconds_until(pair[name], pair[grid]["best"][OBJECTIVE])) is not None
    ]
    return ratio(*map(list, zip(*both, strict=True))) if both else "never"


def _lost(pairs: Pairs, name: str) -> str:
    """By how much the best F1 is below the grid's, in each pair."""
    grid = grid_beside(name)
    lost = (pair[grid]["best"][OBJECTIVE] - pair[name]["best"][OBJECTIVE] for pair in pairs)
    return ", ".join(f"{each:.1f}" for each in lost)


def _trials(folder: Path) -> list[Found]:
    """The trials of the study, as `python -m qa_sweep.study export` gives them."""
    export = [sys.executable, "-m", "qa_sweep.study", "export", "--json", "study.json"]
    measure(export, folder)
    rows = json.loads((folder / "study.json").read_text())["trials"]
    return [_trial(row) for row in rows]


def _trial(row: Mapping[str, Any]) -> Found:
    kept = ("number", "state", "params", "metrics", "intermediate_values", "seconds", "finished")
    last = max(map(int, row["intermediate_values"]), default=0)
    return {**{name: row[name] for name in kept}, "last_evaluation": last}


def _is_complete(trial: Found) -> bool:
    return trial["state"] == "complete"


def _spell(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{value:.3g}" for value in params.values())
