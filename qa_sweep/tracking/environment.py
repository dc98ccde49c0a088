"""What is recorded of the software that a run ran on: an allow-list, never the environment."""

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "qa-sweep",
    "accelerate",
    "aim",
    "datasets",
    "evaluate",
    "huggingface-hub",
    "hydra-core",
    "numpy",
    "optuna",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)
GIT_TIMEOUT_S = 5


def software_record(folder: str) -> dict[str, object]:
    """Versions of Python and our packages, and the git state of `folder` where it has one.

    The shape is that of Aim's `__system_params`, which its run page shows. The command line is left
    out, since it may hold secrets; the params say what was asked for.
    """
    record: dict[str, object] = {
        "packages": package_versions(),
        "executable": f"{platform.python_implementation()} {platform.python_version()}",
    }
    git = git_state(folder)
    if git is not None:
        record["git_info"] = git
    return record


@lru_cache(maxsize=1)
def package_versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@lru_cache(maxsize=8)  # the code that runs is what was there when the process began
def git_state(folder: str) -> dict[str, object] | None:
    """Commit and branch checked out in `folder`, and whether files were changed since.

    None without git, a repository or a first commit. The remote is left out: it may hold a login.
    """
    # A folder's own settings may name a program that watches its files.
    command = ["git", "-C", folder, "-c", "core.fsmonitor=false", "status"]
    command += ["--porcelain=v2", "--branch", "--untracked-files=no"]
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # nothing is written
    try:
        found = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
            env=environ,
            start_new_session=True,  # a terminal's Ctrl-C would end it, and nothing would be known
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = found.stdout.splitlines()
    heads = dict(line.split(" ", 2)[1:] for line in lines if line.startswith("# "))
    commit = heads.get("branch.oid", "(initial)")
    if commit == "(initial)":
        return None
    return {
        "commit": {"hash": commit},
        "branch": heads.get("branch.head"),
        "has_uncommitted_changes": any(not line.startswith("# ") for line in lines),
    }
