"""Terminal: a report as text, with a table and small charts."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from qa_sweep.report import words
from qa_sweep.report.curves import objective_curve, sparkline, value_range
from qa_sweep.report.glyphs import BLOCKS, Glyphs
from qa_sweep.report.leaderboard import Row, StudyLeaderboard
from qa_sweep.report.study_report import StudyReport
from qa_sweep.sweep.summary import format_value, short_name

_N_BAR = 20  # characters of the longest bar
_N_SURE = 30  # complete trials from which on importances are more than a hint


class Terminal:
    """Prints reports; of many trials, the `n_shown` best."""

    def __init__(self, console: Console, n_shown: int) -> None:
        self._console = console
        self._glyphs = Glyphs.of(console)
        self._n_shown = n_shown

    def show(self, report: StudyReport, links: Sequence[str]) -> None:
        """`links` are lines that say where the study is seen in Aim."""
        board = report.leaderboard
        self._say(f"study {report.name}", style="bold")
        self._say(f"  {words.headline(report)}")
        self._table(board)
        self._curves(report)
        self._importances(report)
        self._ended_early(report)
        self._verdict(report)
        for line in links:
            self._say(line)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(self._glyphs.text(text, style), soft_wrap=True, highlight=False)

    def _table(self, board: StudyLeaderboard) -> None:
        rows = board.rows[: self._n_shown]
        table = Table(box=SIMPLE, padding=(0, 1))
        columns = _columns(board, rows)
        for title, _ in columns:
            table.add_column(self._glyphs.text(title), justify="right", overflow="fold")
        for row, cells in zip(
            rows, zip(*(cells for _, cells in columns), strict=True), strict=True
        ):
            table.add_row(*map(self._glyphs.text, cells), style=_style(row, board))
        self._console.print(table)
        if n_more := len(board.rows) - len(rows):
            self._say(f"  … and {n_more} more: --top 0 shows all of them")

    def _curves(self, report: StudyReport) -> None:
        rows = [row for row in report.leaderboard.rows if row.trial.intermediate_values]
        if not rows:
            return
        shown = rows[: self._n_shown]
        low, high = value_range([objective_curve(row.trial) for row in shown])
        limits = f"{BLOCKS[0]} {format_value(low)} to {BLOCKS[-1]} {format_value(high)}"
        self._say(f"{report.objective} from evaluation to evaluation ({limits})", style="bold")
        width = max(len(str(row.number)) for row in shown)
        for row in shown:
            values = objective_curve(row.trial)
            chart = sparkline(values, low, high)
            ends = f"{format_value(values[0])} → {format_value(values[-1])}"
            self._say(f"  trial {row.number:>{width}}  {chart}  {ends}")
        self._say("")

    def _importances(self, report: StudyReport) -> None:
        if not report.importances:
            return
        n_trials = len(report.leaderboard.with_outcome("complete"))
        hint = f" (of {n_trials} trials: a hint)" if n_trials < _N_SURE else ""
        self._say(f"importance of params for {report.objective}{hint}", style="bold")
        width = max(map(len, report.importances))
        for name, share in report.importances.items():
            bar = BLOCKS[-1] * round(_N_BAR * share)
            self._say(f"  {name:<{width}}  {share:4.0%}  {bar}".rstrip())
        self._say("")

    def _ended_early(self, report: StudyReport) -> None:
        board = report.leaderboard
        lines = [words.pruned(row, report.objective) for row in board.with_outcome("pruned")]
        lines += [
            words.failed(row) for row in board.with_outcome("failed", "diverged", "infeasible")
        ]
        for line in lines[: self._n_shown]:
            self._say(line)
        if n_more := len(lines) - len(lines[: self._n_shown]):
            self._say(f"… and {n_more} more")

    def _verdict(self, report: StudyReport) -> None:
        if report.study.leaderboard.best is not None:
            why = report.study.leaderboard.why_best
            self._say(f"best: {report.study.best_folder()}{f', {why}' if why else ''}")
        if report.verdict is not None:
            sentence, *more = report.verdict.lines()
            self._say(sentence, style="bold")
            for line in more:
                self._say(line)
        for note in (words.front(report), *report.notes):
            if note is not None:
                self._say(note)


def _columns(board: StudyLeaderboard, rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Title and cells of each."""
    names = board.param_names
    params = [
        (_spaced(short_name(name, names)), [format_value(row.params.get(name, "")) for row in rows])
        for name in names
    ]
    metrics = [(_spaced(name), _with_margins(rows, name)) for name in board.metric_names]
    in_epochs = any(row.epochs is not None for row in rows)
    return [
        ("trial", [str(row.number) for row in rows]),
        *params,
        *metrics,
        ("epochs" if in_epochs else "evaluations", [words.epochs(row) for row in rows]),
        ("time", [words.duration(row.seconds) for row in rows]),
        ("device", [row.device or words.NOTHING for row in rows]),
        ("device-s", [f"{row.device_seconds:.1f}" for row in rows]),
        ("outcome", [row.outcome for row in rows]),
    ]


def _with_margins(rows: Sequence[Row], metric: str) -> list[str]:
    """`98.1 ±1.2`: the metric, and half of its interval's width."""
    texts = words.metric_texts(rows, metric)
    intervals = [row.intervals.get(metric) for row in rows]
    return [
        f"{text} ±{interval.margin:.1f}" if interval else text
        for text, interval in zip(texts, intervals, strict=True)
    ]


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _style(row: Row, board: StudyLeaderboard) -> str | None:
    if row.number == board.study.leaderboard.best_number:
        return "bold green"
    return "red" if row.error else None
