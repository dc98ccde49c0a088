"""Storage: what is opened by which URL, and what is refused and how."""

import sys
import time

import pytest
from optuna.study import StudyDirection
from servers import free_port

from qa_sweep.errors import OutputError, StudyError
from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.storage_url import file_of, has_literal_password


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://me:secret@host/0", r"must be like sqlite:///.*, but is redis:…"),
        ("studies.pkl", "but is no URL"),
        ("oracle://me:secret@host/x", "but is oracle:…"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///studies.db?timeout=3", "must name a file, without options"),
        ("journal:", "must name a file"),
        ("journal://folder/studies.log", "must be journal:///folder/studies.log or"),
        ("postgresql://me:secr@et@host/x", "write @ : / in a name or password as %40"),
        ("postgresql://me:secret@host:port/x", "cannot be split"),
        ("grpc://host:1/secret", "must be like grpc://host:13000"),
        ("grpc://me:secret@host:1", "must be like grpc://host:13000"),
        ("postgresql+secret://host/x", "needs the driver postgresql.secret"),
    ],
)
def test_anything_but_a_known_storage_is_refused_without_a_password(url, message) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        open_storage(url)
    assert "secret@" not in str(caught.value)
    assert "et@" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [
        ("psycopg", "postgresql://me:secret@host/studies", "postgresql"),
        ("pymysql", "mysql://me:secret@host/studies", "mysql"),
        ("grpc", "grpc://host:13000", "grpc"),
    ],
)
def test_a_missing_driver_says_what_to_install(module, url, extra, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StudyError, match=rf"pip install 'qa_sweep\[{extra}\]'") as caught:
        open_storage(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "kind"), [("psycopg", "postgresql"), ("pymysql", "mysql"), ("grpc", "grpc")]
)
def test_a_server_that_does_not_answer_is_one_line(module, kind) -> None:
    pytest.importorskip(module)
    login, path = ("", "") if kind == "grpc" else ("me:secret@", "/studies?password=secret")
    url = f"{kind}://{login}127.0.0.1:{free_port()}{path}"
    begun = time.monotonic()
    with pytest.raises(StudyError, match=rf"{kind}://.*127.0.0.1:\d+.* must answer") as caught:
        open_storage(url)
    assert time.monotonic() - begun < 20
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/studies",
        "postgresql://:secret@host/studies",
        "postgresql+psycopg://me:${oc.env:HALF}cret@host/studies",
        "mysql://me:${oc.env:MY_PASSWORD,secret}@host/studies",
        "postgresql://host/studies?user=me&password=secret",
        "mysql://me:what?now@host/studies",
    ],
)
def test_a_password_that_was_typed_is_noticed(url) -> None:
    assert has_literal_password(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@host:5432/studies",
        "postgresql://host/studies?sslmode=require",
        "mysql://me:${oc.env:MY_PASSWORD}@host/studies",
        "mysql://${oc.env:ME}:${oc.env:MY_PASSWORD,null}@host/studies",
        "mysql://me:${oc.env:${oc.env:WHICH}}@host/studies",
        "postgresql://host/studies?password=${oc.env:MY_PASSWORD}",
        "${oc.env:STUDIES}",
        "sqlite:////tmp/studies.db",
        "journal:studies.log",
    ],
)
def test_a_password_from_elsewhere_is_no_typed_one(url) -> None:
    assert not has_literal_password(url)


def test_the_file_of_a_url_is_absolute_and_that_of_a_server_none(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_of("sqlite:///a.db") == tmp_path / "a.db"
    assert file_of(f"sqlite:///{tmp_path}/what? 5%.db") == tmp_path / "what? 5%.db"
    assert file_of("journal:a.log") == tmp_path / "a.log"
    assert file_of(f"journal://{tmp_path}/a.log") == tmp_path / "a.log"
    assert file_of("postgresql://host/studies") is None


@pytest.mark.parametrize("name", ["sqlite:///{}.db", "journal://{}.log"])
def test_a_file_storage_keeps_its_leases_in_a_hidden_folder_beside_it(name, tmp_path) -> None:
    path = tmp_path / "new" / "a {b} %c? d"
    storage = open_storage(name.format(path))
    storage.backend.create_new_study([StudyDirection.MINIMIZE], "s")
    storage.leases("s").write(3, {"worker": "w"})
    with storage.lock("s"):
        assert open_storage(name.format(path)).leases("s").read(3) == {"worker": "w"}
    assert storage.beside.parent == path.parent
    assert storage.beside.name.startswith(".a {b}")
    visible = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")]
    assert visible in (["a {b} %c? d.db"], ["a {b} %c? d.log"])


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_file_that_holds_something_else_is_refused_and_left_as_it_is(kind, tmp_path) -> None:
    path = tmp_path / "notes"
    path.write_text("first line\nlast line without an end")
    with pytest.raises(StudyError, match=f"{path} must be"):
        open_storage(f"{kind}:///{path}" if kind == "sqlite" else f"{kind}://{path}")
    assert path.read_text() == "first line\nlast line without an end"


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_folder_that_cannot_be_made_is_refused(kind, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be a folder"):
        open_storage(f"{kind}:{'/' * (2 + (kind == 'sqlite'))}{tmp_path}/file/studies")
