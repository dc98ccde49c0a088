"""Deep links of Aim's pages: a page's state, written into its address."""

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

_UNESCAPED = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def link(page: str, state: Mapping[str, object]) -> str:
    """Address, below the UI's, of `page` in that `state`: a parameter for each of its parts."""
    return f"/{page}?" + "&".join(f"{part}={encode(value)}" for part, value in state.items())


def encode(value: object) -> str:
    """As Aim's UI decodes it: JSON in unpadded URL-safe base64, what is not ASCII escaped in it.

    Aim itself escapes all that JavaScript's `encodeURI` does, which would double the length.
    """
    text = quote(json.dumps(value, separators=(",", ":"), ensure_ascii=False), safe=_UNESCAPED)
    return "O-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
