"""Takes secrets out of text that is stored, or written where others read it."""

import logging
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


def redact_logs() -> None:
    """Have what the root logger's handlers write redacted, tracebacks too."""
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, _Redacting):
            handler.setFormatter(_Redacting(handler.formatter))


class _Redacting(logging.Formatter):
    """What another formatter makes of a record, without secrets."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._formatter = formatter or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._formatter.format(record))
