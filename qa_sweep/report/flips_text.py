"""Flips text: the flips between two trials, in a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_sweep.errors import StudyError
from qa_sweep.report.character_diff import Change, character_diff
from qa_sweep.report.excerpt import LEGEND, Mark, excerpt
from qa_sweep.report.flips import Flip, OneWay, find_flips
from qa_sweep.report.glyphs import Glyphs
from qa_sweep.report.predicted import read_predicted, read_texts
from qa_sweep.report.visible import visible, visible_answer, visible_references
from qa_sweep.report.wrong_answer import WrongAnswer
from qa_sweep.sweep.studies import StudyOnDisk

N_SHOWN = 10  # flips in each direction
_MARKED = {
    frozenset({Mark.answer}): "red",
    frozenset({Mark.reference}): "green",
    frozenset({Mark.answer, Mark.reference}): "yellow",
}
_CHANGED = {  # style, and what stands around the text, as in wdiff
    Change.same: ("", "", ""),
    Change.extra: ("red", "[-", "-]"),
    Change.missing: ("green", "{+", "+}"),
}
_DIFF_LEGEND = "in a diff, [-…-] is what the answer has too much and {+…+} what it lacks"


def show_flips(console: Console, study: StudyOnDisk, one: int, other: int) -> None:
    """Print the questions that one of two trials gets right and the other wrong.

    Raises StudyError where they are not two complete trials that answered the same questions.
    """
    if one == other:
        raise StudyError(f"flips are between two different trials, but both are {one}")
    texts = read_texts(study, one)
    flips = find_flips(
        read_predicted(study, one, texts), read_predicted(study, other, texts), N_SHOWN
    )
    glyphs = Glyphs.of(console)
    for line in flips.sentences():
        console.print(glyphs.text(line), soft_wrap=True)
    if any(way.shown for way in flips.ways):
        console.print(glyphs.text(f"{LEGEND}; {_DIFF_LEGEND}.", "dim"), soft_wrap=True)
    for way in flips.ways:
        _show(console, glyphs, way)


def _show(console: Console, glyphs: Glyphs, way: OneWay) -> None:
    if not way.count:
        return
    console.print()
    console.print(glyphs.text(way.title(), "bold"), soft_wrap=True)
    for flip in way.shown:
        console.print()
        console.print(_table(glyphs, way, flip))
    if way.n_more:
        console.print()
        console.print(glyphs.text(f"… and {way.n_more} more"), soft_wrap=True)


def _table(glyphs: Glyphs, way: OneWay, flip: Flip) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _rows(glyphs, way, flip):
        grid.add_row(f"  {label}", text)
    return grid


def _rows(glyphs: Glyphs, way: OneWay, flip: Flip) -> Iterator[tuple[str, Text]]:
    wrong, examined = flip.wrong, flip.wrong.examined
    yield "question", glyphs.text(visible(wrong.question), "bold")
    yield "id", glyphs.text(visible(wrong.id), "dim")
    yield "context", _context(glyphs, wrong)
    yield f"trial {way.right}", glyphs.text(visible_answer(flip.right))
    yield f"trial {way.wrong}", glyphs.text(visible_answer(wrong.answer, wrong.probability))
    yield "reference", glyphs.text(visible_references(wrong.references))
    if examined.reference and wrong.answer:
        yield "diff", _diff(glyphs, wrong.answer, examined.reference)
    yield "kind", glyphs.text(examined.kind.value)


def _context(glyphs: Glyphs, wrong: WrongAnswer) -> Text:
    spans = {Mark.answer: wrong.span, Mark.reference: wrong.examined.reference_span}
    return Text.assemble(
        *(
            glyphs.text(visible(piece.text), _MARKED.get(piece.marks, ""))
            for piece in excerpt(wrong.context, spans)
        )
    )


def _diff(glyphs: Glyphs, answer: str, reference: str) -> Text:
    pieces = []
    for change, text in character_diff(answer, reference):
        style, before, behind = _CHANGED[change]
        pieces.append(glyphs.text(f"{before}{visible(text)}{behind}", style))
    return Text.assemble(*pieces)
