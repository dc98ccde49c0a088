"""Page: reports as one HTML file that needs nothing else, and asks nobody for anything."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from qa_sweep.errors import ConfigError
from qa_sweep.report.page_study import StudyPart, study_part
from qa_sweep.report.page_table import text
from qa_sweep.report.study_report import StudyReport


def check_plotly() -> None:
    """Raises ConfigError where there is none."""
    if find_spec("plotly") is None:
        raise ConfigError(
            "--html needs plotly, which is not installed; install it: "
            "pip install 'qa_sweep[report]'"
        )


def page(reports: Sequence[StudyReport], repo: str) -> bytes:
    """The whole page, in UTF-8; `repo` is the folder of the Aim repo, for links into Aim."""
    parts = list(_parts(reports, repo))
    names = " and ".join(report.name for report in reports)
    scripts = [_plotly_js(), _file("page.js").encode()]
    before = [
        '<!doctype html>\n<html lang="en">',
        _head(f"Report on {names}", scripts),
        "<body>",
        '<a class="skip" href="#main">Skip to the results</a>',
        _header(names, parts),
        '<main id="main" tabindex="-1">',
        *(part.html for part in parts),
        "</main>",
        _footer(),
        _figure_data(parts),
    ]
    # As bytes: the text of plotly.js takes twice as much memory.
    elements = (part for script in scripts for part in (b"<script>", script, b"</script>\n"))
    return b"".join(["\n".join(before).encode(), b"\n", *elements, b"</body>\n</html>\n"])


def _parts(reports: Sequence[StudyReport], repo: str) -> Iterator[StudyPart]:
    n_figures = 0
    for place, report in enumerate(reports, start=1):
        prefix = f"study-{place}-" if len(reports) > 1 else ""
        part = study_part(report, repo, prefix, n_figures)
        n_figures += len(part.figures)
        yield part


def _head(title: str, scripts: Sequence[bytes]) -> str:
    return (
        f'<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="'
        f'{_policy(scripts)}">\n<meta name="viewport" content="width=device-width, '
        f'initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>\n{_file('page.css')}</style>\n</head>"
    )


def _policy(scripts: Sequence[bytes]) -> str:
    """These scripts alone, nothing from anywhere; plotly sets styles of its own."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: bytes) -> str:
    return base64.b64encode(hashlib.sha256(script).digest()).decode()


def _header(names: str, parts: Sequence[StudyPart]) -> str:
    items = "".join(f"<li>{_link(*entry)}</li>" for part in parts for entry in part.contents)
    made = datetime.now().astimezone().strftime("%d %B %Y, %H:%M %Z")
    return (
        f"<header>\n<h1>Report on {text(names)}</h1>\n"
        f'<p class="faint">As it stood on {escape(made)}.</p>\n'
        f'<nav aria-label="Contents"><ul>{items}</ul></nav>\n</header>'
    )


def _link(anchor: str, title: str) -> str:
    return f'<a href="#{escape(anchor)}">{text(title)}</a>'


def _footer() -> str:
    return (
        f"<footer><p>Made by qa_sweep {escape(version('qa_sweep'))}. This page loads nothing from "
        "elsewhere.</p><noscript><p>The charts need JavaScript; all tables do without.</p>"
        "</noscript></footer>"
    )


def _figure_data(parts: Sequence[StudyPart]) -> str:
    contents = [figure.as_dict() for part in parts for figure in part.figures]
    return f'<script type="application/json" id="figure-data">{in_script(contents)}</script>'


def in_script(content: Any) -> str:
    """As JSON that cannot end the script element it stands in."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")


def _plotly_js() -> bytes:
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def _file(name: str) -> str:
    return (files("qa_sweep.report") / name).read_text(encoding="utf-8")
