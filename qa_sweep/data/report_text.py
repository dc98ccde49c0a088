"""Report text: a report on one screen of a terminal."""

from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from qa_sweep.data.lengths import Bar, Lengths
from qa_sweep.data.report import BrokenRows, DataReport, SplitReport

_BAR_WIDTH = 40  # characters of the highest bar


def show(report: DataReport, console: Console) -> None:
    """Print the report."""
    console.print(f"[bold]{escape(report.path)}[/]: {report.n_rows} rows", highlight=False)
    console.print(_splits(report))
    for line in (*_overlap(report), *_broken(report), *_lengths(report), *_verdict(report)):
        console.print(line, soft_wrap=True, highlight=False)


def _splits(report: DataReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column()
    for name in report.splits:
        table.add_column(name, justify="right")
    for label, cell in _ROWS.items():
        table.add_row(label, *(cell(split) for split in report.splits.values()))
    return table


_ROWS: dict[str, Callable[[SplitReport], str]] = {
    "questions": lambda split: f"{split.n_questions}",
    "contexts": lambda split: f"{split.n_contexts}",
    "titles": lambda split: f"{split.n_titles}",
    "without an answer": lambda split: _share(split.n_unanswerable, split.n_questions),
    "references of an answer": lambda split: _references(split),
    "asked twice": lambda split: f"{split.n_asked_twice}",
}


def _references(split: SplitReport) -> str:
    return f"{split.references_per_answer:.2f} (at most {split.most_references})"


def _overlap(report: DataReport) -> Iterator[str]:
    if report.held_out is not None:
        yield f"eval is {report.held_out:.0%} of the rows, held out by {report.held_out_by}"
    overlap, n_eval = report.overlap, report.splits["eval"].n_questions
    if overlap.n_contexts:
        yield (
            f"[yellow]eval questions about contexts that train has too: "
            f"{_share(overlap.n_eval_questions, n_eval)}[/], {overlap.n_same_questions} of them in "
            f"the same words"
            + ("; data.holdout_by=context parts them" if report.held_out is not None else "")
        )


def _broken(report: DataReport) -> Iterator[str]:
    count = sum(group.count for group in report.broken)
    if not count:
        yield "no row is broken"
        return
    n_repairable = sum(group.n_repairable for group in report.broken)
    yield (
        f"[red]broken rows: {_share(count, report.n_rows)}[/]; data.on_bad_row=fail refuses "
        f"them, repair mends {n_repairable} and leaves out {count - n_repairable}, skip leaves out "
        f"{count}"
    )
    for group in report.broken:
        yield from _group(group)


def _group(group: BrokenRows) -> Iterator[str]:
    yield f"  {group.count} {group.fault}" + (
        f", of which {group.n_repairable} can be repaired" if group.n_repairable else ""
    )
    yield from (f"    {escape(message)}" for message in group.first)
    if group.count > len(group.first):
        yield "    …"


def _lengths(report: DataReport) -> Iterator[str]:
    lengths = report.lengths
    if lengths is None:
        return
    n_questions = sum(split.n_questions for split in report.splits.values())
    counted = " (between white space; --model counts a model's tokens, which are more)"
    yield (
        f"length in {lengths.unit}{counted if lengths.unit == 'words' else ''}: median "
        f"{lengths.median}, 95 % up to {lengths.percentile_95}, longest {lengths.longest}"
    )
    highest = max(bar.count for bar in lengths.histogram)
    yield from (_bar(bar, highest, lengths) for bar in lengths.histogram)
    yield (
        f"max_length {lengths.max_length}, doc_stride {lengths.doc_stride}: "
        f"{lengths.n_windows} windows, questions with several: "
        f"{_share(lengths.n_in_several_windows, n_questions)}"
    )
    if lengths.n_answers_cut:
        yield f"[yellow]answers that are whole in no window: {lengths.n_answers_cut}[/]"
    if lengths.n_questions_cut:
        yield f"[yellow]questions that are cut to leave room: {lengths.n_questions_cut}[/]"


def _bar(bar: Bar, highest: int, lengths: Lengths) -> str:
    width = -(-bar.count * _BAR_WIDTH // highest)  # a single example is seen
    mark = " ← max_length" if bar.low <= lengths.max_length < bar.high else ""
    return f"  {bar.low:>6}–{bar.high - 1:<6} {'█' * width:<{_BAR_WIDTH}} {bar.count}{mark}"


def _verdict(report: DataReport) -> Iterator[str]:
    if not report.problems:
        yield "[green]the data can be used[/]"
    yield from (f"[red]{escape(problem)}[/]" for problem in report.problems)


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.1%})" if total else f"{count}"
