"""Runs an app's script with little patience: what takes minutes in earnest is seen in seconds."""

import runpy
import sys

from qa_sweep.sweep import lease, local

lease.TIMEOUT_S = 3.0  # before `study` takes it as its default
local._GRACE_S = 2.0
local.LocalWorkers.patience_s = 2.0

if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
