"""What is recorded of the software that a run ran on: an allow-list, never the environment."""

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
    """Versions of Python and our packages, and the git commit of `folder` where it has one.

    The shape is that of Aim's `__system_params`, which its run page shows. The command line is left
    out, since it may hold secrets; the params say what was asked for.
    """
    record: dict[str, object] = {
        "packages": package_versions(),
        "executable": f"{platform.python_implementation()} {platform.python_version()}",
    }
    commit = git_commit(folder)
    if commit is not None:
        record["git_info"] = {"commit": {"hash": commit}}
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


@lru_cache(maxsize=8)
def git_commit(folder: str) -> str | None:
    """Commit checked out in `folder`; None without git, a repository or a first commit."""
    command = ["git", "-C", folder, "rev-parse", "--verify", "HEAD"]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
