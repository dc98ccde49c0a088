"""A hub of one's own: a local HTTP server that answers as the Hugging Face hub does.

It has the calls by which `huggingface_hub`, `transformers` and `datasets` load a repository: what a
repository is (`/api/…/revision/…`), its files (`/api/…/tree/…`, `/api/…/paths-info/…`), and each
file (`…/resolve/REVISION/FILE`, whole or from a byte on), with the headers and codes of errors that
they look at. Those by which one is made and filled are in `hub_uploads.py`.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from hub_uploads import Refused, Repo, Uploads

_API = re.compile(r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)(?P<rest>/.*)?")
_FILE = re.compile(
    r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)"
)


@dataclass
class Hub:
    """What the server has, what it was asked for, and where it will fail."""

    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)  # (kind, name)
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    cuts: dict[str, list[int]] = field(default_factory=dict)  # repo/file -> bytes until it hangs up
    uploads: Uploads = field(default_factory=Uploads)
    url: str = ""

    def asked_for(self, file: str) -> list[str]:
        """The ranges of the downloads of a file so far; empty text for the whole."""
        return [part for method, path, part in self.requests if method == "GET" and file in path]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range") or ""))
        try:
            if (answer := self._uploaded(path, body)) is not None:
                self._send_json(answer)
            elif found := _API.fullmatch(path):
                self._send_json(self._answer(found, body.decode()))
            elif found := _FILE.fullmatch(path):
                self._send_file(found)
            else:
                raise Refused(404, "")
        except Refused as refused:
            content = json.dumps(refused.content).encode()
            self._send(refused.status, {"X-Error-Code": refused.code}, content)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""

    @property
    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _uploaded(self, path: str, body: bytes) -> dict | None:
        """What to say to a part of an upload, for which one must be allowed to write."""
        uploads = self.hub.uploads
        if self.command not in ("POST", "PUT") or "/paths-info/" in path:
            return None
        if self.command == "POST":  # what is put has an address that nobody else is told
            uploads.require_writer(self._token)
        return uploads.answer(self.hub.repos, self.hub.url, path, body)

    def _repo(self, kind: str, name: str) -> Repo:
        repo = self.hub.repos.get((kind, name))
        if repo is None or (repo.is_private and self._token not in self.hub.uploads.may_write):
            raise Refused(401, "RepoNotFound")  # so that nobody learns which names are taken
        return repo

    def _answer(self, found: re.Match, body: str) -> object:
        repo = self._repo(found["kind"], found["name"])
        action, revision, *inner = [*(found["rest"] or "").strip("/").split("/", 2), "", ""]
        if action == "tree":
            return _tree(repo.files(revision or "main"), inner[0])
        if action == "paths-info":
            return _paths_info(repo.files(revision), parse_qs(body).get("paths", []))
        if action not in ("", "revision"):
            raise Refused(404, "")
        revision = revision or "main"
        return {
            "id": found["name"],
            "sha": repo.commit(revision),
            "private": repo.is_private,
            "gated": "manual" if repo.is_gated else False,
            "tags": [],
            "siblings": [{"rfilename": name} for name in repo.files(revision)],
        }

    def _send_file(self, found: re.Match) -> None:
        kind = "datasets" if found["kind"] else "models"
        repo = self._repo(kind, found["name"])
        if repo.is_gated:
            raise Refused(401, "GatedRepo")
        files = repo.files(found["revision"])
        if found["file"] not in files:
            raise Refused(404, "EntryNotFound")
        content, path = files[found["file"]], f"{found['name']}/{found['file']}"
        headers = {
            "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
            "X-Repo-Commit": repo.commit(found["revision"]),
            "Accept-Ranges": "bytes",
        }
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if part is None:
            self._send(200, headers, content, path)
            return
        start, end = int(part[1]), int(part[2] or len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._send(206, headers, content[start : end + 1], path)

    def _send_json(self, content: object) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(content).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes, path: str = "") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cuts = self.hub.cuts.get(path)
        if cuts:
            body = body[: cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)


def _entry(path: str, content: bytes) -> dict:
    return {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": hashlib.sha1(content).hexdigest(),
    }


def _tree(files: dict[str, bytes], folder: str) -> list[dict]:
    """What lies directly in a folder."""
    prefix = f"{folder}/" if folder else ""
    inside = [path for path in files if path.startswith(prefix)]
    if not inside:
        raise Refused(404, "EntryNotFound")
    folders = {prefix + path.removeprefix(prefix).split("/")[0] for path in inside} - set(files)
    return [_folder(path) for path in sorted(folders)] + [
        _entry(path, files[path]) for path in inside if "/" not in path.removeprefix(prefix)
    ]


def _folder(path: str) -> dict:
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def _paths_info(files: dict[str, bytes], paths: list[str]) -> list[dict]:
    folders = {path.rpartition("/")[0] for path in files}
    known = [_entry(path, files[path]) for path in paths if path in files]
    return known + [_folder(path) for path in paths if path in folders and path not in files]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Answer for `hub` on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
