"""Storage URL: which kinds there are, and what may be shown of one."""

import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from qa_sweep.errors import StudyError

SQLITE, JOURNAL, POSTGRESQL, MYSQL, GRPC = "sqlite", "journal", "postgresql", "mysql", "grpc"

HOW_TO_GIVE_A_PASSWORD = (
    "set PGPASSWORD or ~/.pgpass for PostgreSQL, "
    "or write hydra.sweeper.storage='mysql://me:${oc.env:MY_PASSWORD}@host/studies'"
)

_ALIASES = {"postgres": POSTGRESQL, "mariadb": MYSQL}
_ALLOWED = (
    "sqlite:///studies.db, journal:///folder/studies.log, postgresql://me@host/studies, "
    "mysql://me@host/studies or grpc://host:13000"
)
_SECRET_OPTIONS = {"password", "passwd", "sslpassword", "ssl_key_password"}
_OPTIONS = re.compile(r"\?\w+=")
_FROM_ELSEWHERE = re.compile(r"\$\{[^{},]*(,(null)?)?\}")  # Hydra's ${…}; a default is typed here


def kind_of(url: str) -> str:
    """One of the kinds above. Raises StudyError for any other, and shows no more than its scheme.

    Redis and pickle files are left out on purpose: to read them is to run what they say.
    """
    scheme = url.partition(":")[0]
    name = scheme.partition("+")[0]
    kind = _ALIASES.get(name, name)
    if ":" not in url or kind not in (SQLITE, JOURNAL, POSTGRESQL, MYSQL, GRPC):
        found = f"{scheme}:…" if ":" in url else "no URL"
        raise StudyError(f"hydra.sweeper.storage must be like {_ALLOWED}, but is {found}")
    return kind


def file_of(url: str) -> Path | None:
    """The file that holds the studies; None where a server does. Raises StudyError as `kind_of`."""
    kind = kind_of(url)
    if kind not in (SQLITE, JOURNAL):
        return None
    text = url.partition(":")[2]
    path = text.removeprefix("///") if kind == SQLITE else _path_of_journal(text)
    if path in ("", "//", ":memory:") or _OPTIONS.search(path):
        raise StudyError(f"hydra.sweeper.storage must name a file, without options, but is {url}")
    return Path(path).absolute()


def _path_of_journal(text: str) -> str:
    if text.startswith("//") and not text.startswith("///"):
        raise StudyError(
            "hydra.sweeper.storage must be journal:///folder/studies.log or journal:studies.log, "
            f"but is journal:{text}"
        )
    return text.removeprefix("//")


def read_server_url(url: str) -> URL:
    """Split the URL of a server. Raises StudyError, without what may be a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or "@" in (parsed.host or ""):
        raise StudyError(
            f"hydra.sweeper.storage must be a URL, but {kind_of(url)}:… cannot be split into its "
            "parts; write @ : / in a name or password as %40 %3A %2F"
        ) from None
    return parsed


def show(url: URL) -> str:
    """The URL with *** for its password, and without options, which may hold another."""
    return url.set(query={}).render_as_string(hide_password=True)


def shown(url: str) -> str:
    """The same of any storage's URL; that of a file is shown whole."""
    return url if file_of(url) else show(read_server_url(url))


def has_literal_password(url: str) -> bool:
    """Whether a password stands in `url` as it was typed, before `${…}` is filled in.

    Command lines are seen by all users of a machine, and kept in histories and in `.hydra/`.
    """
    while _FROM_ELSEWHERE.search(url):
        url = _FROM_ELSEWHERE.sub("", url)
    _, _, rest = url.partition("://")
    options = [option.partition("=") for option in rest.partition("?")[2].split("&")]
    if any(name in _SECRET_OPTIONS and value for name, _, value in options):
        return True
    return bool(rest.rpartition("@")[0].partition(":")[2])
