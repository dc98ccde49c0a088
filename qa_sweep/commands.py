"""What the small commands share."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from qa_sweep.errors import QaSweepError
from qa_sweep.terminal import spelled_out

INTERRUPTED = 130  # the exit code shells give to Ctrl-C


def one_line_errors(command: Callable[..., int]) -> Callable[..., int]:
    """Show what the user can mend as one line on stderr; HYDRA_FULL_ERROR=1 asks for all of it."""

    @functools.wraps(command)
    def run(*arguments: Any) -> int:
        try:
            return command(*arguments)
        except QaSweepError as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            print(f"qa_sweep: {spelled_out(str(error))}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return INTERRUPTED

    return run
