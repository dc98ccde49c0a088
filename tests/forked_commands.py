"""Commands of ours in processes of their own, forked from one that has the imports they share.

    python forked_commands.py < commands.json

Each command, a list of words behind `python -m qa_sweep`, runs in an empty folder. What came of it
is written as a line of JSON.
"""

import gc
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

import optuna  # noqa: F401 - a sweep imports it before it looks at its settings

from qa_sweep import cli
from qa_sweep.sweep import sweeper  # noqa: F401

HEAVY = {"torch", "transformers", "datasets", "aim", "pyarrow"}


def run(words: list[str]) -> dict:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as output:
        process = os.fork()
        if process == 0:
            _become(words, folder, output.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        output.seek(0)
        *lines, imported = output.read().splitlines()
        left = sorted(path.name for path in Path(folder).rglob("*"))
    return {
        "code": code,
        "lines": lines,
        "folder": folder,
        "left": left,
        "heavy": json.loads(imported),
    }


def _become(words: list[str], folder: str, output: int) -> None:
    """Be the command; its output ends with a line of what it imported that takes seconds."""
    os.chdir(folder)
    for stream in (1, 2):
        os.dup2(output, stream)
    code = 1
    try:
        code = cli.main(words)
    except SystemExit as end:
        code = end.code
    finally:  # in no case the parent's code
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        print(json.dumps(sorted(HEAVY & set(sys.modules))), flush=True)
        os._exit(code)


if __name__ == "__main__":
    gc.freeze()  # what is shared is left alone
    for words in json.load(sys.stdin):
        print(json.dumps(run(words)), flush=True)
