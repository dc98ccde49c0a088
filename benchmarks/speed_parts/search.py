"""Search: what of the grid's compute pruning needs to find a model as good as the grid's best.

Not the same work: most trials end early. Compute is the sum of the trials' own seconds, evaluations
included; the training done, in whole runs, is what of it does not depend on the machine's mood.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from speed_parts.contenders import CACHE, Found, Turn
from speed_parts.processes import measure
from speed_parts.ratios import in_words, ratio
from speed_parts.settings import compose

GRID, PRUNED_GRID, SEARCH = "grid", "grid with ASHA", "search"
OBJECTIVE = "f1"

Pairs = Sequence[dict[str, Found]]


def sweep(name: str, pair: int, overrides: Sequence[str]) -> Turn:
    """A sweep of ours; each pair has seeds of its own, or all pairs would be alike."""
    seeds = [f"seed={42 + pair}", f"hydra.sweeper.seed={pair}"]

    def turn(folder: Path) -> dict[str, Found]:
        command = [sys.executable, "-m", "qa_sweep", "-m", *overrides, *seeds]
        measured = measure(command, folder, {CACHE: str(folder / "cache")})
        trials = _trials(folder)
        best = max((t for t in trials if _is_complete(t)), key=lambda t: t["metrics"][OBJECTIVE])
        found = {
            **asdict(measured),
            "compute_s": sum(trial["seconds"] for trial in trials),
            "n_runs": sum(trial["last_evaluation"] for trial in trials) / n_evaluations(overrides),
            "best": {"params": best["params"], **best["metrics"]},
            "trials": trials,
        }
        return {name: found}

    return turn


def n_evaluations(overrides: Sequence[str]) -> int:
    """Evaluations of a run that is not ended early."""
    settings = [text for text in overrides if text.startswith(("trainer.", "model=", "data="))]
    trainer = compose(settings).trainer
    return round(trainer.epochs * trainer.evaluations_per_epoch)


def tables(pairs: Pairs) -> Iterator[Table]:
    yield _outcome_table(pairs)
    yield _ratio_table(pairs)


def _outcome_table(pairs: Pairs) -> Table:
    columns = ("trials' s", "runs trained", "trials, pruned", "best F1", "best params")
    table = Table("pair", "", *columns, box=None)
    for number, pair in enumerate(pairs, start=1):
        for name, found in pair.items():
            n_pruned = sum(trial["state"] == "pruned" for trial in found["trials"])
            table.add_row(
                str(number),
                name,
                f"{found['compute_s']:.1f}",
                f"{found['n_runs']:.2f}",
                f"{len(found['trials'])}, {n_pruned}",
                f"{found['best'][OBJECTIVE]:.2f}",
                _spell(found["best"]["params"]),
            )
    return table


def _ratio_table(pairs: Pairs) -> Table:
    columns = ("trials' s", "runs trained", "s until as good", "winner kept")
    table = Table("", *columns, title=f"grid by …, {in_words(len(pairs))}", box=None)
    for name in pairs[0]:
        if name != GRID:
            table.add_row(
                name,
                *(_ratio(pairs, name, figure) for figure in ("compute_s", "n_runs")),
                _ratio_until_as_good(pairs, name),
                f"{sum(keeps_winner(pair, name) for pair in pairs)} of {len(pairs)}",
            )
    return table


def _ratio(pairs: Pairs, name: str, figure: str) -> str:
    return ratio([pair[GRID][figure] for pair in pairs], [pair[name][figure] for pair in pairs])


def _ratio_until_as_good(pairs: Pairs, name: str) -> str:
    """Of those pairs in which it became as good as the grid's best."""
    both = [
        (pair[GRID]["compute_s"], seconds)
        for pair in pairs
        if (seconds := seconds_until(pair[name], pair[GRID]["best"][OBJECTIVE])) is not None
    ]
    return ratio(*map(list, zip(*both, strict=True))) if both else "never"


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
    winner, best = pair[GRID]["best"], pair[name]["best"]
    return best["params"] == winner["params"] or best[OBJECTIVE] >= winner[OBJECTIVE]


def _trials(folder: Path) -> list[Found]:
    """The trials of the study, as `python -m qa_sweep.study export` gives them."""
    export = [sys.executable, "-m", "qa_sweep.study", "export", "--json", "study.json"]
    measure(export, folder, {})
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
