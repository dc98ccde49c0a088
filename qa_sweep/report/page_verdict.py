"""Page verdict: which trials are best, and what each other one lacks."""

from qa_sweep.report import words
from qa_sweep.report.contender import listed, trials
from qa_sweep.report.page_table import text
from qa_sweep.report.study_report import StudyReport
from qa_sweep.report.verdict import Rival, Verdict

_N_OPEN = 10  # rivals that are shown without being asked for
_CAPTION = (
    "Lead in percentage points, with its 95 % interval; corrected for the best one having been "
    "picked, McNemar's p-value for the number of pairs."
)
_HEADS = ("trial", "lead", "from", "to", "p", "p, McNemar", "is it real?")


def verdict_html(report: StudyReport) -> str:
    verdict = report.verdict
    if verdict is None and report.study.leaderboard.best is None:
        return "<p>No trial is complete yet.</p>\n"
    first, *more = verdict.lines() if verdict else ["No answers are stored to judge by."]
    lines = [line for line in (*more, words.front(report), *report.notes) if line]
    return (
        f'<p class="lead">{text(first)}</p>\n'
        + "".join(f"<p>{text(line)}</p>\n" for line in lines)
        + (_rivals(verdict) if verdict else "")
        + f"<p>Best trial: <code>{text(report.study.best_folder())}</code>{_why(report)}</p>\n"
    )


def _why(report: StudyReport) -> str:
    why = report.study.leaderboard.why_best
    return f", {text(why)}" if why else ""


def _rivals(verdict: Verdict) -> str:
    if not verdict.rivals:
        return ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    rows = "\n".join(map(_row, verdict.rivals))
    is_open = " open" if len(verdict.rivals) <= _N_OPEN else ""
    best = trials(verdict.contender.numbers).capitalize()
    return (
        f"<details{is_open}><summary>{best} against each other</summary>\n"
        f'<div class="wide"><table class="rivals"><caption>{_CAPTION}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n</details>\n"
    )


def _row(rival: Rival) -> str:
    lead = rival.lead.interval
    cells = [
        *(f"{100 * value:.1f}" for value in (lead.mean, lead.low, lead.high)),
        *(_p_value(value) for value in (rival.lead.p_value, rival.p_mcnemar)),
        "tied" if rival.is_tied else "more than chance",
    ]
    numbers = listed(rival.contender.numbers)
    return f'<tr><th scope="row">{numbers}</th>{"".join(f"<td>{c}</td>" for c in cells)}</tr>'


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "&lt; 0.001"
