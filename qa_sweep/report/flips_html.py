"""Flips HTML: flips, errors by kind and likely label errors, as a section of a page.

All texts are escaped; there is neither script nor inline style in it.
"""

import html
import logging
from collections.abc import Iterator, Sequence
from itertools import groupby

from qa_sweep.errors import StudyError
from qa_sweep.report.answers import on_same_questions, read_answers
from qa_sweep.report.character_diff import Change, character_diff
from qa_sweep.report.error_kinds import ERRORS, Kind
from qa_sweep.report.excerpt import LEGEND, Mark, excerpt
from qa_sweep.report.flips import Flip, OneWay, find_flips, questions
from qa_sweep.report.label_errors import find_label_errors
from qa_sweep.report.predicted import Predicted, read_predicted, read_texts
from qa_sweep.report.visible import visible, visible_answer, visible_references
from qa_sweep.report.wrong_answer import WrongAnswer
from qa_sweep.sweep.studies import StudyOnDisk

N_RIVALS = 5  # trials that the best is held against
N_SHOWN = 20  # flips in each direction
N_LABEL_ERRORS = 50
N_TRIALS = 20  # in the table of kinds

_ELEMENTS = {Change.extra: "del", Change.missing: "ins"}
_LEGEND = (
    f"In a context, {LEGEND}. In a difference, what is struck through is what the wrong answer has "
    "too much, and what is underlined is what it lacks."
)

log = logging.getLogger(__name__)


def flips_section(study: StudyOnDisk, tied: Sequence[int] | None = None) -> str:
    """The best trial's flips against the next few, kinds of errors, likely label errors.

    `tied` are the trials that are tied for best, where that is known already. "" where the trials
    leave nothing to tell of it.
    """
    numbers = [run.number for run in on_same_questions(read_answers(study))]
    if not numbers:
        return ""
    best = study.leaderboard.best_number
    numbers.sort(key=lambda number: number != best)  # with repeats, others may have higher scores
    try:
        texts = read_texts(study, numbers[0])
        runs = [read_predicted(study, number, texts) for number in numbers[:N_TRIALS]]
    except StudyError as error:
        log.warning("the report is without flips: %s", error)
        return ""
    if len(runs) == 1 and (runs[0].exact_match == 1).all():
        return ""
    parts = [*_kinds(runs, len(numbers)), *_all_flips(runs), *_label_errors(study, tied)]
    return (
        '<section id="flips" aria-labelledby="flips-title">\n'
        '<h2 id="flips-title">What is answered wrong</h2>\n' + "\n".join(parts) + "\n</section>\n"
    )


def _kinds(runs: Sequence[Predicted], n_trials: int) -> Iterator[str]:
    """A table of how many answers of each trial are of which kind, best trial first.

    `runs` are the best of `n_trials`.
    """
    counts = [run.count_kinds() for run in runs]
    kinds = [Kind.right, *(kind for kind in ERRORS if any(count[kind] for count in counts))]
    titles = "".join(f'<th scope="col">{kind.value}</th>' for kind in kinds)
    best = f", of the best {len(runs)} of {n_trials} trials" if len(runs) < n_trials else ""
    yield (
        '<div class="wide" role="region" aria-label="Answers by kind" tabindex="0"><table>'
        f"<caption>Answers to {questions(len(runs[0].answers))}, by kind{best}</caption>"
    )
    yield f'<thead><tr><th scope="col">trial</th>{titles}</tr></thead><tbody>'
    for run, count in zip(runs, counts, strict=True):
        cells = "".join(f"<td>{count[kind]}</td>" for kind in kinds)
        yield f'<tr><th scope="row">{run.number}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _all_flips(runs: Sequence[Predicted]) -> Iterator[str]:
    best, *others = runs
    if others:
        yield f"<h3>Trial {best.number} against others</h3><p>{_LEGEND}</p>"
    for other in others[:N_RIVALS]:
        flips = find_flips(best, other, N_SHOWN)
        summary, *more = flips.sentences()
        yield f"<details><summary>{summary}</summary>" + "".join(f"<p>{line}</p>" for line in more)
        for way in flips.ways:
            yield from _one_way(way)
        yield "</details>"


def _one_way(way: OneWay) -> Iterator[str]:
    if not way.count:
        return
    yield f"<h4>{way.title()}</h4>"
    for flip in way.shown:
        yield from _flip(way, flip)
    if way.n_more:
        yield f"<p>… and {way.n_more} more.</p>"


def _flip(way: OneWay, flip: Flip) -> Iterator[str]:
    answers = {
        f"trial {way.right}": visible_answer(flip.right),
        f"trial {way.wrong}": visible_answer(flip.wrong.answer, flip.wrong.probability),
    }
    yield from _question(flip.wrong, answers)


def _label_errors(study: StudyOnDisk, tied: Sequence[int] | None) -> Iterator[str]:
    yield "<h3>Likely label errors</h3>"
    try:
        errors = find_label_errors(study, tied)
    except StudyError as error:
        yield f"<p>{_text(str(error))}.</p>"
        return
    yield f"<p>{errors.sentence()}</p>"
    if errors.found:
        yield "<details><summary>Show them</summary>"
        for wrong in errors.found[:N_LABEL_ERRORS]:
            yield from _question(wrong, {"answer": visible_answer(wrong.answer, wrong.probability)})
        if (n_more := len(errors.found) - N_LABEL_ERRORS) > 0:
            yield f"<p>… and {n_more} more.</p>"
        yield "</details>"


def _question(wrong: WrongAnswer, answers: dict[str, str]) -> Iterator[str]:
    """A question with its `answers` by who gave them, the reference, and the diff to it."""
    examined = wrong.examined
    yield '<article class="flip">'
    yield f'<p class="question" dir="auto"><strong>{_text(wrong.question)}</strong></p>'
    yield f'<p class="context" dir="auto">{_context(wrong)}</p><dl>'
    for label, shown in answers.items():
        yield f"<dt>{label}</dt><dd><bdi>{html.escape(shown)}</bdi></dd>"
    references = html.escape(visible_references(wrong.references))
    yield f"<dt>reference</dt><dd><bdi>{references}</bdi></dd>"
    if examined.reference and wrong.answer:
        yield f'<dt>difference</dt><dd class="diff">{_diff(wrong.answer, examined.reference)}</dd>'
    yield f'<dt>kind</dt><dd class="kind">{examined.kind.value}</dd>'
    yield f"<dt>id</dt><dd>{_text(wrong.id)}</dd></dl></article>"


def _context(wrong: WrongAnswer) -> str:
    spans = {Mark.answer: wrong.span, Mark.reference: wrong.examined.reference_span}
    shown = []
    for marks, pieces in groupby(excerpt(wrong.context, spans), key=lambda piece: piece.marks):
        content = "".join(_text(piece.text) for piece in pieces)
        classes = " ".join(sorted(mark.name for mark in marks))
        shown.append(f'<mark class="{classes}">{content}</mark>' if marks else content)
    return "".join(shown)


def _diff(answer: str, reference: str) -> str:
    return "".join(
        _text(text)
        if change is Change.same
        else f"<{_ELEMENTS[change]}>{_text(text)}</{_ELEMENTS[change]}>"
        for change, text in character_diff(answer, reference)
    )


def _text(text: str) -> str:
    return html.escape(visible(text))
