"""Terminal: texts of others in a form that cannot steer the terminal they are shown on.

What steers a terminal or turns the direction of writing around is spelled out, so that it does
nothing; and so is what nobody sees, which may be all that two texts differ in.
"""

import re

# Not the joiners U+200C and U+200D, which words of some scripts and emoji are made with.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """`text` on one line: white space is one space, and what is unsafe is shown as its code."""
    return spelled_out(" ".join(text.split()))


def spelled_out(text: str) -> str:
    r"""`text` with unsafe characters as codes, an escape as `\x1b`; its lines stay lines."""
    return "\n".join(_UNSAFE.sub(_code, line) for line in text.split("\n"))


def visible_json(text: str) -> str:
    """JSON without unsafe characters, which only stand in its strings; it says the same."""
    return _UNSAFE.sub(_json_code, text)


def _code(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()


def _json_code(match: re.Match[str]) -> str:
    """As JSON escapes a character: those beyond U+FFFF as a surrogate pair."""
    halves = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{halves[i : i + 4]}" for i in range(0, len(halves), 4))
