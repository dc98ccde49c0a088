"""What all commands share."""

import functools
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qa_sweep.errors import QaSweepError
from qa_sweep.terminal import spelled_out

INTERRUPTED = 130  # the exit code shells give to Ctrl-C


def one_line_errors(command: Callable[..., int]) -> Callable[..., int]:
    """Show what the user can mend as one line on stderr; HYDRA_FULL_ERROR=1 asks for all of it."""

    @functools.wraps(command)
    def run(*arguments: Any) -> int:
        try:
            with ending_with_reader():
                return command(*arguments)
        except QaSweepError as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            print(f"qa_sweep: {spelled_out(str(error))}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return INTERRUPTED

    return run


@contextmanager
def ending_with_reader() -> Iterator[None]:
    """End with exit code 1, and in silence, once nobody reads standard output: `… | head`.

    What Python does about it is in its documentation of SIGPIPE, in the module `signal`.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # else the interpreter does so as it ends, and complains
    except BrokenPipeError:
        if not _has_lost_reader():  # it was another pipe
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _has_lost_reader() -> bool:
    """Whether standard output is a pipe that has no reader any more."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are told unasked
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
