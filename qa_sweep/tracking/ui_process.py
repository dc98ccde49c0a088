"""Aim's UI as a process that ends with the one that started it, however that ended.

Run as a module, with the words for `aim up`. The standard input is held open by whoever started it.
When it closes, all processes of the group are told to end: stopping `aim up` alone would leave its
server running.
"""

import os
import signal
import sys
import threading
import time

_GRACE_S = 8


def main() -> None:
    # `aim up` is told as well, but ends when its server has: so the group has gone when we have.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    standard_input = os.dup(0)
    threading.Thread(target=_end_with, args=(standard_input,), daemon=True).start()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what `aim up` may ask there is answered by no
    from aim.cli.cli import cli_entry_point

    cli_entry_point(["up", *sys.argv[1:]])


def _end_with(standard_input: int) -> None:
    while os.read(standard_input, 1):
        pass
    for _ in range(_GRACE_S):  # again and again: a server that is about to start must hear it too
        os.killpg(0, signal.SIGTERM)
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
