"""Page study: what the page says of one study, section by section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_sweep.report import words
from qa_sweep.report.curve_figures import curve_figures
from qa_sweep.report.figure import Figure
from qa_sweep.report.flips_html import flips_section
from qa_sweep.report.optuna_figures import optuna_figures
from qa_sweep.report.page_table import leaderboard_table, text
from qa_sweep.report.page_verdict import verdict_html
from qa_sweep.report.study_report import StudyReport
from qa_sweep.tracking.bookmarks import saved_views
from qa_sweep.tracking.reader import has_repo
from qa_sweep.tracking.ui import ADDRESS

_FLIPS = "flips"  # the id of that section


@dataclass(frozen=True)
class StudyPart:
    """The sections of a study, and the figures to be drawn in them, in their order."""

    html: str
    figures: tuple[Figure, ...]
    contents: tuple[tuple[str, str], ...]  # anchor and title of each section


@dataclass(frozen=True)
class _Section:
    anchor: str
    title: str
    content: str

    def html(self) -> str:
        title_id = f"{self.anchor}-title"
        return (
            f'<section id="{self.anchor}" aria-labelledby="{title_id}">\n'
            f'<h2 id="{title_id}">{text(self.title)}</h2>\n{self.content}</section>\n'
        )


def study_part(report: StudyReport, repo: str, prefix: str, n_before: int) -> StudyPart:
    """`prefix` tells the anchors of several studies apart, `n_before` counts earlier figures."""
    curves, figures = tuple(curve_figures(report.leaderboard)), tuple(optuna_figures(report.study))
    all_figures = (*curves, *figures)
    of = f": {report.name}" if prefix else ""
    sections = [
        _Section(f"{prefix}verdict", f"Verdict{of}", verdict_html(report)),
        _leaderboard(report, repo, prefix, of),
        _Section(f"{prefix}curves", f"Learning curves{of}", _drawn(curves, prefix, n_before)),
        _Section(
            f"{prefix}search",
            f"The search{of}",
            _drawn(figures, prefix, n_before + len(curves)),
        ),
        _Section(f"{prefix}early", f"What ended early{of}", _ended_early(report)),
    ]
    shown = [section for section in sections if section.content]
    contents = [(section.anchor, section.title) for section in shown]
    flips = _flips(report, prefix)
    if flips:
        contents.append((f"{prefix}{_FLIPS}", f"What is answered wrong{of}"))
    html = "\n".join(section.html() for section in shown) + flips
    return StudyPart(html, all_figures, tuple(contents))


def _leaderboard(report: StudyReport, repo: str, prefix: str, of: str) -> _Section:
    anchor = f"{prefix}leaderboard"
    table = leaderboard_table(report.leaderboard, f"{anchor}-title")
    content = (
        f"<p>{text(words.headline(report))}. Small figures are 95 % intervals over the held-out "
        "questions; cost is in device-seconds, all attempts together.</p>\n"
        f"{table}{_aim(report, repo)}"
    )
    return _Section(anchor, f"Leaderboard{of}", content)


def _aim(report: StudyReport, repo: str) -> str:
    """Where the runs are seen in Aim."""
    if not any(row.aim_run for row in report.leaderboard.rows):
        return ""
    views = saved_views(repo, report.name) if has_repo(repo) else []
    links = "".join(
        f'<li><a href="{text(ADDRESS + path)}">{text(title)}</a></li>' for title, path in views
    )
    return (
        '<p class="faint">Links into Aim work on the machine that holds the runs, while '
        "<code>python -m qa_sweep.up</code> runs there.</p>\n"
        + (f"<ul>{links}</ul>\n" if links else "")
    )


def _drawn(figures: Sequence[Figure], prefix: str, n_before: int) -> str:
    return "".join(
        _figure(figure, prefix, place) for place, figure in enumerate(figures, start=n_before)
    )


def _figure(figure: Figure, prefix: str, place: int) -> str:
    """`place` is that of its content among all figures of the page."""
    height = f"height:{figure.layout['height']}px;" if "height" in figure.layout else ""
    width = f"min-width:{figure.min_width}px" if figure.min_width else ""
    style = f' style="{height}{width}"' if height or width else ""
    return (
        f'<figure id="{prefix}{figure.name}">\n<h3>{text(figure.title)}</h3>\n<div class="wide">'
        f'<div class="plot" role="img" aria-label="{text(figure.title)}" data-figure="{place}"'
        f"{style}></div></div>\n<figcaption>{text(figure.reading)}</figcaption>\n</figure>\n"
    )


def _ended_early(report: StudyReport) -> str:
    return "".join(f"<h3>{title}</h3>\n<ul>{items}</ul>\n" for title, items in _endings(report))


def _endings(report: StudyReport) -> Iterator[tuple[str, str]]:
    board = report.leaderboard
    pruned = [words.pruned(row, report.objective) for row in board.with_outcome("pruned")]
    failed = [words.failed(row) for row in board.with_outcome("failed", "diverged", "infeasible")]
    for title, lines in (("Pruned", pruned), ("Failed", failed)):
        if lines:
            yield title, "".join(f"<li>{text(line)}</li>" for line in lines)


def _flips(report: StudyReport, prefix: str) -> str:
    """The section, with anchors of its own where there are several studies."""
    section = flips_section(report.answered, report.verdict.tied if report.verdict else None)
    return section.replace(f'id="{_FLIPS}', f'id="{prefix}{_FLIPS}').replace(
        f'aria-labelledby="{_FLIPS}', f'aria-labelledby="{prefix}{_FLIPS}'
    )
