"""The machine: what was measured on, for the record."""

import importlib.metadata
import os
import platform
from typing import Any

import torch

PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "numpy", "datasets")


def machine() -> dict[str, Any]:
    return {
        "device": device_name(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
        "n_cores": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
