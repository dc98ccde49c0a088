"""The calls by which `huggingface_hub` makes a repository and puts files into it.

Small files come with the commit; large ones are put beforehand, as the protocol of Git LFS says,
and the commit names them by their hash. What the client asks with `hf_xet` is not here: switch that
off with HF_HUB_DISABLE_XET=1.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field

import yaml

_COMMIT = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)")
_MODES = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)")
_BATCH = re.compile(r"/(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch")
_BLOB = re.compile(r"/lfs/(?P<hash>[0-9a-f]{64})")
_LARGE = (".safetensors", ".onnx")


class Refused(Exception):
    """What the hub says instead: a status, and the code by which its client knows why."""

    def __init__(self, status: int, code: str, content: dict | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.content = status, code, content or {}


@dataclass
class Repo:
    """The files of each revision, by branch or tag."""

    revisions: dict[str, dict[str, bytes]]
    is_gated: bool = False
    is_private: bool = False

    def __post_init__(self) -> None:
        self._name_commits()

    def _name_commits(self) -> None:
        self._revision_of = {_hash(name, files): name for name, files in self.revisions.items()}

    def commit(self, revision: str) -> str:
        """Return the hash of a branch, tag or commit."""
        for commit, name in self._revision_of.items():
            if revision in (commit, name):
                return commit
        raise Refused(404, "RevisionNotFound")

    def files(self, revision: str) -> dict[str, bytes]:
        """Return the files of a branch, tag or commit."""
        return self.revisions[self._revision_of[self.commit(revision)]]

    def change(self, revision: str, files: dict[str, bytes | None]) -> None:
        """Put files there, or remove those that are None."""
        changed = {**self.revisions[revision], **files}
        self.revisions[revision] = {k: v for k, v in changed.items() if v is not None}
        self._name_commits()


@dataclass
class Uploads:
    """Who may write, and what has been put beforehand."""

    may_write: dict[str, bool] = field(default_factory=dict)  # by token
    blobs: dict[str, bytes] = field(default_factory=dict)  # by SHA-256

    def require_writer(self, token: str) -> None:
        if token not in self.may_write:
            raise Refused(401, "")
        if not self.may_write[token]:
            raise Refused(403, "")

    def answer(
        self, repos: dict[tuple[str, str], Repo], url: str, path: str, body: bytes
    ) -> dict | None:
        """What to say to a request of `path`; None where it is none of an upload."""
        if path == "/api/validate-yaml":
            return _validate(json.loads(body)["content"])
        if path == "/api/repos/create":
            return _create(repos, url, json.loads(body))
        if _MODES.fullmatch(path):
            return _modes(json.loads(body)["files"])
        if _BATCH.fullmatch(path):
            return self._batch(url, json.loads(body)["objects"])
        if found := _BLOB.fullmatch(path):
            return self._put(found["hash"], body)
        if found := _COMMIT.fullmatch(path):
            repo = repos["models", found["name"]]
            return self._commit(repo, found["revision"], f"{url}/{found['name']}", body)
        return None

    def _batch(self, url: str, objects: list[dict]) -> dict:
        missing = [blob for blob in objects if blob["oid"] not in self.blobs]
        for blob in missing:
            blob["actions"] = {"upload": {"href": f"{url}/lfs/{blob['oid']}"}}
        return {"transfer": "basic", "objects": objects}

    def _put(self, name: str, body: bytes) -> dict:
        if hashlib.sha256(body).hexdigest() != name:
            raise Refused(400, "")
        self.blobs[name] = body
        return {}

    def _commit(self, repo: Repo, revision: str, url: str, body: bytes) -> dict:
        changes: dict[str, bytes | None] = {}
        for line in body.decode().splitlines():
            operation = json.loads(line)
            value = operation["value"]
            match operation["key"]:
                case "file":
                    changes[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    changes[value["path"]] = self.blobs[value["oid"]]
                case "deletedFile":
                    changes[value["path"]] = None
        repo.change(revision, changes)
        commit = repo.commit(revision)
        return {"commitUrl": f"{url}/commit/{commit}", "commitOid": commit}


def _hash(name: str, files: dict[str, bytes]) -> str:
    contents = [(file, hashlib.sha1(content).hexdigest()) for file, content in files.items()]
    return hashlib.sha1(repr((name, sorted(contents))).encode()).hexdigest()


def _create(repos: dict[tuple[str, str], Repo], url: str, wanted: dict) -> dict:
    name = f"{wanted['organization'] or 'somebody'}/{wanted['name']}"
    if ("models", name) in repos:
        raise Refused(409, "", {"url": f"{url}/{name}"})
    is_private = wanted.get("visibility") == "private"
    # As on the hub, no repository is quite empty.
    repos["models", name] = Repo({"main": {".gitattributes": b""}}, is_private=is_private)
    return {"url": f"{url}/{name}", "name": name}


def _modes(files: list[dict]) -> dict:
    return {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(_LARGE) else "regular",
                "shouldIgnore": False,
            }
            for file in files
        ]
    }


def _validate(card: str) -> dict:
    """Of the hub's rules those that the front matter of a model most easily breaks."""
    _, front, _ = card.split("---\n", 2)
    content = yaml.safe_load(front)
    if not isinstance(content, dict):
        raise Refused(400, "")
    for entry in content.get("model-index", []):
        for result in entry["results"]:
            if not result["task"]["type"] or not result["dataset"]["type"]:
                raise Refused(400, "")
    return {"errors": [], "warnings": []}
