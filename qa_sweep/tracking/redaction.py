"""Makes text fit to be stored where others read it: no secrets, no markup, no endless length.

Aim's pages run markup found in terminal logs and, in one of its views, in texts; so text is stored
escaped. Its stock callback stores the environment and the command line; ours stores neither, and
takes secrets out of the text that it does store.
"""

import html
import os
import re
from collections.abc import Mapping

MASK = "***"
MIN_SECRET_CHARS = 6  # shorter values ("1", "true") would mask innocent text
SECRET_NAME = re.compile(r"secret|token|passw|pgpass|credential|auth|dsn|key$", re.IGNORECASE)
URL_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
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
    for secret in sorted(secrets_of(environ), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = URL_LOGIN.sub(rf"\g<1>{MASK}@", text)
    text = NAMED_SECRET.sub(rf"\g<1>{MASK}", text)
    return KNOWN_TOKEN.sub(MASK, text)


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """Values of the environment variables whose names say that they are secret."""
    return {
        value
        for name, value in environ.items()
        if SECRET_NAME.search(name) and len(value) >= MIN_SECRET_CHARS
    }


def escape(text: str, max_chars: int) -> str:
    """Cap `text`, then escape its markup, so that no entity is cut in two.

    Quotes are left alone: the text is shown as an element's content, never inside a tag, and
    "What's" should stay readable in the views that show text as it is.
    """
    return html.escape(encodable(shorten(text, max_chars)), quote=False)


def shorten(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def encodable(text: str) -> str:
    """Replace lone surrogates (of file names, broken input), which UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode("utf-8")
