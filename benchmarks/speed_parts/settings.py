"""Settings of a run, as the command line composes them."""

import subprocess
import sys
from collections.abc import Iterable

import yaml

from qa_sweep.config import RunConfig
from qa_sweep.config.plain import read_run_config


def compose(overrides: Iterable[str]) -> RunConfig:
    """What `python -m qa_sweep` makes of `overrides`; where it refuses them, the benchmark ends."""
    command = [sys.executable, "-m", "qa_sweep", *overrides, "--cfg", "job"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    config, _ = read_run_config(yaml.safe_load(done.stdout))
    return config
