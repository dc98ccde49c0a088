"""Glyphs: what a terminal can show, of texts that must have no power over it."""

from rich.console import Console
from rich.text import Text

from qa_sweep.report.visible import visible

BLOCKS = "▁▂▃▄▅▆▇█"
_MAX_CHARS = 10_000
_ASCII = str.maketrans(
    dict(zip(BLOCKS, "_.-~=+*#", strict=True))
    | {"±": "+-", "–": "-", "…": "...", "→": "->", "·": ".", "«": "<<", "»": ">>"}
)


class Glyphs:
    """Texts for a terminal of some encoding."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    @staticmethod
    def of(console: Console) -> "Glyphs":
        return Glyphs(console.encoding)

    def fit(self, text: str) -> str:
        """The text in one line, in plainer characters where the encoding lacks its own."""
        shown = visible(text, _MAX_CHARS)
        if self._can_show(shown):
            return shown
        plainer = shown.translate(_ASCII).encode(self._encoding, "backslashreplace")
        return plainer.decode(self._encoding)

    def text(self, text: str, style: str = "") -> Text:
        """The same, in which nothing is markup."""
        return Text(self.fit(text), style=style)

    def _can_show(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True
