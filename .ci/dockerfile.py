"""A Dockerfile's instructions, taken in a folder that stands for the file system."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

OF_ROOT = "useradd"  # the folders that are made with it are volumes, which are made anyway
_PATH = re.compile(r"(?<![\w:/.}])/(?=\w)")  # an absolute one, and no part of a URL


class Step(NamedTuple):
    """An instruction of a Dockerfile."""

    name: str
    words: str


def steps(dockerfile: str) -> list[Step]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [Step(*line.split(maxsplit=1)) for line in whole if line.strip()]


class User:
    """Who takes the steps: the user of that number where root asks, else whoever asks."""

    def __init__(self, number: int, folder: Path) -> None:
        self._here = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "USER": "qa_sweep"}
        self._here |= {"LANG": "C.UTF-8", "TMPDIR": f"{folder}/tmp", "HF_HUB_OFFLINE": "1"}
        self._becoming: list[str] = []
        if os.geteuid() == 0:
            os.chown(folder, number, number)
            ids = [f"--reuid={number}", f"--regid={number}", "--clear-groups", "--no-new-privs"]
            self._becoming = ["setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all"]

    def run(self, *words: object, within: Path = Path("/"), **environment: str) -> str:
        """Run a command; return what it has said. Exits where it fails."""
        code, said = self.attempt(words, within, **environment)
        if code != 0:
            sys.exit(f"{said}\n.ci/image: {' '.join(map(str, words))}: exit code {code}, not 0")
        return said

    def attempt(
        self, words: Iterable[object], within: Path = Path("/"), **environment: str
    ) -> tuple[int, str]:
        """Run a command; return its exit code and what it has said."""
        done = subprocess.run(
            [*self._becoming, *map(str, words)],
            cwd=within,
            env={**self._here, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


class Image:
    """What the steps make of `folder/context`; `root` stands for the root of the stage at work.

    The programs of the Python image are in `folder/base/bin`; `settings` are the environment of
    RUN beside what the Dockerfile sets.
    """

    def __init__(self, folder: Path, user: User, settings: dict[str, str]) -> None:
        self.root = folder / "root"
        self.workdir = self.root
        self.environment: dict[str, str] = {}
        self.told: dict[str, list[str]] = {}  # what a container is told, by the instruction
        self._folder = folder
        self._user = user
        self._settings = settings
        self._arguments: dict[str, str] = {}
        self._stage = ""

    def take(self, step: Step) -> None:
        """Raises KeyError where an instruction is not known here."""
        print(step.name, step.words, flush=True)
        TAKE[step.name](self, step.words)

    def inside(self, text: str) -> str:
        """A text whose absolute paths lead into the folder."""
        return _PATH.sub(f"{self.root}/", text)

    def begin_stage(self, words: str) -> None:
        if self._stage:
            self.root.rename(self._folder / f"stage-{self._stage}")
        self._stage = words.partition(" AS ")[2]
        self._user.run("mkdir", self.root)
        self._arguments, self.workdir = {}, self.root
        places = [self.root / "usr/local/bin", self._folder / "base/bin", "/usr/bin", "/bin"]
        self.environment = {"PATH": os.pathsep.join(map(str, places))}

    def set_argument(self, words: str) -> None:
        name, _, default = words.partition("=")
        self._arguments[name] = os.environ.get(name, default)

    def set_environment(self, words: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", words):
            self.environment[name] = self.inside(value).replace("$PATH", self.environment["PATH"])

    def change_folder(self, path: str) -> None:
        self.workdir = Path(self.inside(path))
        self._user.run("mkdir", "-p", self.workdir)

    def run(self, words: str) -> None:
        command = re.sub(r"^(--\S+\s+)+", "", words)
        if OF_ROOT in command:
            print("  left out, as only root may")
            return
        everything = {**self._settings, **self._arguments, **self.environment}
        self._user.run("sh", "-c", self.inside(command), within=self.workdir, **everything)

    def copy(self, words: str) -> None:
        *options, source, target = words.split()
        said = dict(option.removeprefix("--").split("=") for option in options)
        place = Path(self.workdir, self.root if target == "/" else self.inside(target))
        self._user.run("mkdir", "-p", place.parent)
        if "from" in said:  # moved, since it is large: nothing else takes it
            self._user.run("mv", f"{self._folder}/stage-{said['from']}{source}", place)
        else:
            self._user.run("cp", "-R", f"{self._folder}/context/{source}", place)
        if "chmod" in said:
            self._user.run("chmod", said["chmod"], place)

    def make_volumes(self, words: str) -> None:
        self.told["VOLUME"] = [self.inside(path) for path in json.loads(words)]
        self._user.run("mkdir", "-p", *self.told["VOLUME"])

    def is_user(self, words: str) -> None:
        """So it is from the start."""

    def tell_entrypoint(self, words: str) -> None:
        self.told["ENTRYPOINT"] = json.loads(words)

    def tell_command(self, words: str) -> None:
        self.told["CMD"] = json.loads(words)

    def tell_health(self, words: str) -> None:
        self.told["HEALTHCHECK"] = json.loads(words.partition("CMD ")[2])


TAKE: dict[str, Callable[[Image, str], None]] = {
    "FROM": Image.begin_stage,
    "ARG": Image.set_argument,
    "ENV": Image.set_environment,
    "WORKDIR": Image.change_folder,
    "RUN": Image.run,
    "COPY": Image.copy,
    "VOLUME": Image.make_volumes,
    "USER": Image.is_user,
    "ENTRYPOINT": Image.tell_entrypoint,
    "CMD": Image.tell_command,
    "HEALTHCHECK": Image.tell_health,
}
