"""The parabola app on a terminal where Ctrl-C is pressed in the midst of a line that it prints.

The line is about a finished trial; by then the thread of the display waits to write, too.
"""

import io
import os
import re
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

PARABOLA = Path(__file__).parent / "parabola_app" / "app.py"
FINISHED = re.compile(r"trial \d+ .* in \d")


class Terminal(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, behind: TextIO) -> None:
        self._behind = behind
        self._was_pressed = False

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        is_sweep = threading.current_thread() is threading.main_thread()
        if is_sweep and not self._was_pressed and FINISHED.search(text):
            self._was_pressed = True
            time.sleep(1)
            signal.raise_signal(signal.SIGINT)
        return self._behind.write(text)

    def flush(self) -> None:
        self._behind.flush()


if __name__ == "__main__":
    if "QA_SWEEP_WORKER" not in os.environ:
        sys.stdout = Terminal(sys.stdout)
    runpy.run_path(str(PARABOLA), run_name="__main__")
