"""Telling what came of a repetition."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_sweep.replay.comparison import Comparison, Pair
from qa_sweep.run_record import RunRecord
from qa_sweep.terminal import visible


def show(then: RunRecord, now: RunRecord) -> int:
    """Print what differs; return the exit code: 0 where nothing does, else 1."""
    comparison = Comparison(then, now)
    console = Console()
    console.print(_table(comparison.metrics))
    for line in _lines(comparison):
        console.print(Text(line), soft_wrap=True)
    return 0 if comparison.is_equal else 1


def _table(metrics: dict[str, Pair]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("metric")
    for title in ("then", "now", "difference"):
        table.add_column(title, justify="right")
    for name, (then, now) in metrics.items():
        cells = (visible(name).replace("_", " "), _shown(then), _shown(now), _difference(then, now))
        table.add_row(*map(Text, cells), style=None if then == now else "bold red")
    return table


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _difference(then: float | None, now: float | None) -> str:
    if then is None or now is None:
        return "–"
    return "0" if then == now else f"{now - then:+.3g}"


def _lines(comparison: Comparison) -> list[str]:
    lines = [*_of_answers(comparison), _of_data(comparison), *_of_versions(comparison)]
    if comparison.is_equal:
        return [*lines, "the same numbers"]
    suspects = list(comparison.suspects())
    return [
        *lines,
        "other numbers; what may be the reason, the likeliest first:",
        *(f"  {visible(suspect)}" for suspect in suspects),
        *([] if suspects else ["  nothing that the record knows of"]),
    ]


def _of_answers(comparison: Comparison) -> list[str]:
    answers = comparison.answers
    if answers is None:
        return ["answers: not compared, as those of the run are gone"]
    if not answers.are_same_questions:
        return ["answers: not compared, as they are to other questions"]
    difference = answers.largest_difference
    spans = (
        "other candidates"
        if difference is None
        else f"scores of candidates differ by {difference:.3g} at most"
    )
    return [f"answers: {answers.n_same} of {len(answers.then.ids)} the same; {spans}"]


def _of_data(comparison: Comparison) -> str:
    if not comparison.then.fingerprint:
        return "data: the record has no fingerprint of them"
    differing = [split for split, (then, now) in comparison.data.items() if then != now]
    return f"data: {' and '.join(differing)} examples differ" if differing else "data: the same"


def _of_versions(comparison: Comparison) -> list[str]:
    differing = comparison.versions
    if not comparison.then.versions:
        return ["versions: the record has none"]
    if not differing:
        return ["versions: the same"]
    return [visible(f"{name}: {then} then, {now} now") for name, (then, now) in differing.items()]
