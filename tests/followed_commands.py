"""Commands of ours as somebody types them, one after the other, in the current folder.

    python followed_commands.py < COMMANDS

COMMANDS is a list of [module, words…] in JSON. The N-th command's output goes to `said-N`; the exit
codes are written at the end. Each has a process of its own, forked from one that has imported what
takes seconds.
"""

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import optuna  # noqa: F401 - a sweep and whatever looks at one

from qa_sweep import job  # noqa: F401 - torch and transformers
from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import import_tracker


def run(number: int, module: str, *words: str) -> int:
    """Run a command; return its exit code."""
    process = os.fork()
    if process == 0:
        _become(module, list(words), Path(f"said-{number}"))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _become(module: str, words: list[str], said: Path) -> None:
    """Be the command, and end with it."""
    code = 1
    print("$", module, *words, file=sys.stderr, flush=True)
    try:
        with said.open("w") as file:
            os.dup2(file.fileno(), 1)
        code = importlib.import_module("qa_sweep.cli" if module == "qa_sweep" else module).main(
            words
        )
    except SystemExit as end:
        code = end.code
    finally:  # in no case the parent's code
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    import_tracker(TrackingConfig())
    commands = enumerate(json.load(sys.stdin))
    print(json.dumps([run(number, *words) for number, words in commands]))
