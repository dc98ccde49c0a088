"""The services of docker/compose.yaml, started by hand with the settings that stand there."""

import base64
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import yaml
from conftest import ROOT, environment
from servers import PASSWORD, free_port

DOCKER = ROOT / "docker"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text())[
    "services"
]
AIM_PAGE, DASHBOARD_PAGE, PROXY_HEALTH, AIM, DASHBOARD = 8000, 8001, 8002, 43800, 8080

_STORAGE = "://qa_sweep@postgres/studies"
_IMAGE_ENTRYPOINT = ["with-secrets", "qa-sweep"]
_START_TIMEOUT_S = 120

_opener = build_opener(ProxyHandler({}))


class Home:
    """One folder in place of the volumes, free ports in place of the containers' own."""

    def __init__(self, folder: Path, storage: str) -> None:
        self.folder = folder
        self.page_password = secrets.token_hex()
        self.processes: list[subprocess.Popen] = []
        self._ports = {
            port: free_port() for port in (AIM_PAGE, DASHBOARD_PAGE, PROXY_HEALTH, AIM, DASHBOARD)
        }
        self._replaced = {
            "/tmp/": f"{folder}/tmp_",  # first, since the folder itself may be in there
            _STORAGE: storage.removeprefix("postgresql"),
            "postgres:5432": storage.partition("@")[2].partition("/")[0],
            "/run/secrets": str(folder),
            "/etc/nginx": str(folder),
            "${THREADS:-1}": "1",
        }
        self._write_files()

    @staticmethod
    @contextmanager
    def open(folder: Path, storage: str) -> Iterator["Home"]:
        home = Home(folder, storage)
        try:
            yield home
        finally:
            for process in reversed(home.processes):
                process.terminate()
                process.wait(60)

    def start(self, name: str, sweep: str = "") -> subprocess.Popen:
        """Start the service `name`; `sweep` stands for the variable SWEEP."""
        service = SERVICES[name]
        command = service.get("command", [])
        if isinstance(command, str):
            command = shlex.split(command.replace("${SWEEP:-}", sweep))
        words = [*service.get("entrypoint", _IMAGE_ENTRYPOINT), *command]
        if name == "proxy" and os.getuid() == 0:  # whose workers could not enter our folder
            words += ["-g", "user root;"]
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                self._here(words),
                cwd=self.folder,
                env=self._environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def is_well(self, name: str) -> bool:
        """What the service's health check says."""
        words = self._here(SERVICES[name]["healthcheck"]["test"][1:])
        env = self._environment(SERVICES[name])
        return subprocess.run(words, cwd=self.folder, env=env, check=False).returncode == 0

    def await_health(self, name: str) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self.is_well(name):
            assert time.monotonic() < deadline, (self.folder / f"{name}.log").read_text()
            time.sleep(0.5)

    def status(self, port: int, path: str, password: str | None = None, **headers: str) -> int:
        """What the proxy answers a browser that sends these `headers`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if password is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
        request = Request(f"http://127.0.0.1:{self._ports[port]}{path}", headers=sent)
        try:
            with _opener.open(request, timeout=60) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    def _write_files(self) -> None:
        (self.folder / "postgres_password").write_text(PASSWORD)
        hashed = subprocess.check_output(["openssl", "passwd", "-6", self.page_password], text=True)
        (self.folder / "page_users").write_text(f"me:{hashed}")
        settings = (DOCKER / "nginx.conf").read_text()
        (self.folder / "qa_sweep.conf").write_text(*self._here([settings]))
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "with-secrets").symlink_to(DOCKER / "with-secrets")
        (programs / "health").symlink_to(DOCKER / "health.py")

    def _environment(self, service: dict[str, Any]) -> dict[str, str]:
        """The service's, with the programs of the image first on the path."""
        set_there = service.get("environment", {})
        places = [self.folder / "bin", Path(sys.executable).parent, os.environ["PATH"]]
        return {
            **environment(),
            **dict(zip(set_there, self._here(list(set_there.values())), strict=True)),
            "PATH": os.pathsep.join(map(str, places)),
        }

    def _here(self, words: Sequence[str]) -> list[str]:
        return [self._replace(word) for word in words]

    def _replace(self, text: str) -> str:
        ports = "|".join(map(str, self._ports))
        text = re.sub(rf"\b({ports})\b", lambda found: str(self._ports[int(found[0])]), text)
        for there, here in self._replaced.items():
            text = text.replace(there, here)
        return text
