"""The image and the services: their files keep what they promise, their scripts do as they say."""

import importlib
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, run
from servers import free_port

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
PAGE = (ROOT / "docs" / "docker.md").read_text()
PREPARE = (DOCKER / "prepare").read_text()

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def test_no_image_is_taken_by_a_tag_which_may_move() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}
    assert "ARG PYTHON_IMAGE\n" in DOCKERFILE
    pinned = set(re.findall(r"^pin (\w+) ", PREPARE, re.MULTILINE))
    for service in SERVICES.values():
        if "build" in service:
            wanted = [service["build"]["args"]["PYTHON_IMAGE"]]
        else:
            wanted = [service["image"]]
        (name,) = re.findall(r"^\$\{(\w+):\?run docker/prepare first\}$", wanted[0])
        assert name in pinned


def test_what_listens_is_reached_from_this_machine_alone() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["proxy"]["ports"])
    for name in ("aim", "dashboard"):
        assert SERVICES[name]["network_mode"] == "service:proxy"


@each_service
def test_each_service_is_confined_and_is_not_root(service) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    user = service.get("user") or re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert user.partition(":")[0] not in ("", "0", "root")


@each_service
def test_each_service_says_whether_it_is_well(service) -> None:
    assert service["healthcheck"]["test"][0] == "CMD"


@each_service
def test_secrets_come_as_files_that_git_and_the_image_do_not_hold(service) -> None:
    ignored = (DOCKER / ".gitignore").read_text().splitlines()
    assert "/secrets/" in ignored
    assert not any("secrets/" in line for line in allowed_in_the_image())
    for name, value in service.get("environment", {}).items():
        if "PASSWORD" in name:
            assert name.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    for secret in service.get("secrets", []):
        assert COMPOSE["secrets"][secret]["file"] == f"./secrets/{secret}"
        assert f"secrets/{secret}\n" in PREPARE


def allowed_in_the_image() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_the_image_is_made_of_the_package_and_of_all_that_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
        "sweeps",  # which conf links to
        *re.findall(r"^COPY (?!--from)(?:--\S+ )?([^ .]\S*) ", DOCKERFILE, re.MULTILINE),
    }
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    assert sorted(needed) == sorted(allowed_in_the_image())


def test_the_image_has_the_extras_that_its_services_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert "postgresql" in extras.split(",")


def test_a_workers_command_is_one_that_qa_sweep_takes(tmp_path) -> None:
    words = shlex.split(SERVICES["worker"]["command"].replace("${SWEEP:-}", ""))
    assert words.pop(0) == "-m"
    shown = run(["-m", "qa_sweep", *words, "--cfg", "hydra"], tmp_path)
    assert shown.returncode == 0, shown.stderr
    storage = yaml.safe_load(shown.stdout)["hydra"]["sweeper"]["storage"]
    assert storage.removeprefix("postgresql") in " ".join(SERVICES["dashboard"]["command"])


def test_the_page_names_each_variable_and_names_services_that_are_there() -> None:
    files = "".join(path.read_text() for path in DOCKER.glob("compose*.yaml"))
    for variable in set(re.findall(r"\$\{(\w+):-", files)) - {"DEVICE"}:
        assert f"`{variable}`" in PAGE
    verbs = "run --rm|cp|stop|start|logs --follow"
    for service in re.findall(rf"docker compose (?:{verbs}) (\w+)", PAGE):
        assert service in SERVICES
    for name in re.findall(r"docker compose -f (\S+) -f (\S+)", PAGE)[0]:
        assert (DOCKER / name).exists()
    for name in re.findall(r"--build-arg (\w+)", PAGE):
        assert f"ARG {name}" in DOCKERFILE


@pytest.mark.parametrize("sweep", re.findall(r"`SWEEP=\"(.*?)\"`", PAGE))
def test_each_sweep_of_the_page_is_one_that_qa_sweep_takes(sweep, tmp_path) -> None:
    fixed = [word for word in shlex.split(sweep) if "interval" not in word]
    shown = run(["-m", "qa_sweep", *fixed, "--cfg", "job"], tmp_path)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("command", re.findall(r"docker compose run --rm worker (.*)", PAGE))
def test_each_command_of_the_page_is_one_that_qa_sweep_takes(command) -> None:
    name, *words = shlex.split(command)
    module = importlib.import_module(f"qa_sweep.{name}")
    main = inspect.unwrap(module.main)
    sys.modules[main.__module__]._parser().parse_args(words)


def test_a_container_is_well_while_what_it_needs_answers(tmp_path) -> None:
    words = [sys.executable, str(DOCKER / "health.py")]
    assert subprocess.run(words, cwd=tmp_path, check=False).returncode == 0
    for address in (f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}/"):
        told = subprocess.run([*words, address], cwd=tmp_path, capture_output=True, text=True)
        assert told.returncode == 1
        assert told.stderr.startswith(f"{address} must answer, but: ")
        assert told.stderr.count("\n") == 1


def test_the_password_of_a_file_is_handed_to_the_command(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a 'quoted' $word\n")
    show = [str(DOCKER / "with-secrets"), "printenv", "PGPASSWORD"]
    told = subprocess.run(
        show, env={**os.environ, "PGPASSWORD_FILE": str(secret)}, capture_output=True, text=True
    )
    assert told.stdout == secret.read_text()
    missing = {**os.environ, "PGPASSWORD_FILE": str(tmp_path / "nothing")}
    told = subprocess.run(show, env=missing, capture_output=True, text=True)
    assert told.returncode == 1
    assert re.fullmatch(r"PGPASSWORD_FILE must name a file .*: docker/prepare\n", told.stderr)


@pytest.fixture
def prepared(tmp_path) -> Path:
    """A copy of the folder in which `prepare` has run; its images were looked up before."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "docker"
    folder.mkdir()
    shutil.copy(DOCKER / "prepare", folder)
    names = re.findall(r"^pin (\w+) ", PREPARE, re.MULTILINE)
    (folder / ".env").write_text("".join(f"{name}=known\n" for name in names))
    subprocess.run([folder / "prepare"], check=True, stdout=subprocess.DEVNULL)
    return folder


def test_the_secrets_are_made_once_and_are_behind_a_closed_door(prepared) -> None:
    secrets = prepared / "secrets"
    made = {path.name: path.read_text() for path in secrets.iterdir()}
    assert set(made) == {"postgres_password", "page_users", "page_password"}
    assert secrets.stat().st_mode & 0o777 == 0o700
    for name in COMPOSE["secrets"]:  # read by the users that containers run as
        assert (secrets / name).stat().st_mode & 0o004
    subprocess.run([prepared / "prepare"], check=True, stdout=subprocess.DEVNULL)
    assert made == {path.name: path.read_text() for path in secrets.iterdir()}


def test_the_pages_take_the_password_that_was_made(prepared) -> None:
    name, _, stored = (prepared / "secrets" / "page_users").read_text().strip().partition(":")
    _, kind, salt, _ = stored.split("$")
    again = subprocess.run(
        ["openssl", "passwd", f"-{kind}", "-salt", salt, "-stdin"],
        input=(prepared / "secrets" / "page_password").read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (name, stored) == ("me", again.stdout.strip())


def test_an_image_that_cannot_be_looked_up_is_named_and_not_noted(prepared, tmp_path) -> None:
    (prepared / ".env").unlink()
    nowhere = tmp_path / "bin"
    nowhere.mkdir()
    for program in ("bash", "dirname", "mkdir", "openssl", "grep"):
        (nowhere / program).symlink_to(shutil.which(program))
    told = subprocess.run(
        [prepared / "prepare"], env={"PATH": str(nowhere)}, capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr.startswith("docker/prepare: docker must be installed")
    assert not (prepared / ".env").exists()
