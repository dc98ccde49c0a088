"""Makes text fit to be stored where others read it: no secrets, no markup, no endless length.

Aim's pages run markup found in terminal logs, in one of their views in texts, and in another in
params; so no text is stored as it is. Its stock callback stores the environment and the command
line; ours stores neither, and takes secrets out of the text that it does store.
"""

import html
import os
import re
from collections.abc import Mapping
from functools import lru_cache

MASK = "***"
MIN_SECRET_CHARS = 6  # shorter values ("1", "true") would mask innocent text
SECRET_NAME = re.compile(
    r"secret|token|passw|pgpass|mysql_pwd|credential|auth(?!or)|dsn|(^|_)(api)?key(_|$)",
    re.IGNORECASE,
)
URL_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)([^/\s]+)@", re.IGNORECASE)
NAMED = re.compile(r"secret|token|passw|key|credential", re.IGNORECASE)  # costs less than the next
NAMED_SECRET = re.compile(
    r"(\b[\w.-]*(?:secret|token|passwd|password|api[_-]?key|credentials?)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s,;&\"'\[<]{6,}",
    re.IGNORECASE,
)
KNOWN_TOKEN = re.compile(
    r"\bhf_\w{16,}|\bsk-[\w-]{16,}|\bgh[pousr]_\w{16,}|\bAKIA[0-9A-Z]{16}|(?<=\bBearer )\S+"
)


def redact(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Mask logins in URLs, values of secret-looking names and variables, and known token shapes."""
    for secret in secrets_of(frozenset(environ.items())):
        text = text.replace(secret, MASK)
    if "://" in text:
        text = URL_LOGIN.sub(rf"\g<1>{MASK}@", text)
    if NAMED.search(text):
        text = NAMED_SECRET.sub(rf"\g<1>{MASK}", text)
    return KNOWN_TOKEN.sub(MASK, text)


@lru_cache(maxsize=1)
def secrets_of(environ: frozenset[tuple[str, str]]) -> list[str]:
    """Values of variables that are secret by their name, and passwords in URLs; longest first."""
    named = {value for name, value in environ if SECRET_NAME.search(name)}
    logins = {login for _, value in environ for _, login in URL_LOGIN.findall(value)}
    passwords = {login.partition(":")[2] for login in logins}
    found = (secret for secret in named | passwords if len(secret) >= MIN_SECRET_CHARS)
    return sorted(found, key=len, reverse=True)


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
