"""Makes text fit for Aim's pages: no markup, no endless length.

They run markup found in terminal logs, in one of their views in texts, and in another in params;
so no text is stored as it is.
"""

import html


def escape(text: str, max_chars: int) -> str:
    """Cap `text`, then escape its markup, so that no entity is cut in two.

    Quotes are left alone: the text is shown as an element's content, never inside a tag, and
    "What's" should stay readable in the views that show text as it is.
    """
    return html.escape(encodable(shorten(text, max_chars)), quote=False)


_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", '"': "”", "'": "’"})


def without_markup(text: str) -> str:
    """`text` with look-alikes for what markup is made of.

    For params: the axes of Aim's Params explorer write them into a tag, quoted, where its tables
    show them as they are, so that neither `escape` nor entities for quotes would do.
    """
    return encodable(text).translate(_LOOK_ALIKES)


def shorten(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def encodable(text: str) -> str:
    """Replace lone surrogates (of file names, broken input), which UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode("utf-8")
