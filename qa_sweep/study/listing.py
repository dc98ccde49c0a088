"""The list: one line a study."""

from collections import Counter
from collections.abc import Sequence

from qa_sweep.sweep.studies import Studies, StudyOnDisk
from qa_sweep.sweep.summary import format_value, state_of
from qa_sweep.terminal import visible


def show_list(studies: Studies) -> None:
    """Print a line a study, the one that was worked on last at the end."""
    rows = [_row(study) for study in studies.in_order()]
    for line in _aligned(rows):
        print(line)
    if not rows:
        print(f"{studies.shown_url} holds no studies")


def count_by_state(study: StudyOnDisk) -> str:
    """`5 of 6 complete, 1 pruned`; trials that were tried again do not count."""
    states = Counter(map(state_of, study.leaderboard.trials))
    n_trials, n_complete = states.total(), states.pop("complete", 0)
    others = [f"{count} {state}" for state, count in sorted(states.items())]
    return ", ".join([f"{n_complete} of {n_trials} complete", *others])


def best_value(study: StudyOnDisk) -> str:
    """`best f1 96.7 (trial 3)`, and how many trials none is better than in all objectives."""
    best = study.leaderboard.best
    if best is None:
        return "no value yet"
    name, value = study.objectives[0].name, format_value(best.values[0])
    text = f"best {name} {value} (trial {best.number})"
    if len(study.objectives) > 1:
        text += f", {len(study.leaderboard.front())} on the front"
    return text


def last_worked_on(study: StudyOnDisk) -> str:
    """Local time, as `2026-11-22 01:31`."""
    last = study.last_worked_on
    return last.isoformat(" ", "minutes") if last is not None else "not begun"


def _row(study: StudyOnDisk) -> list[str]:
    note = "" if study.identity is not None else "not made by a sweep"
    cells = [study.name, count_by_state(study), best_value(study), last_worked_on(study), note]
    return [visible(cell) for cell in cells]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
