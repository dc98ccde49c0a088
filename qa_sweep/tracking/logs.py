"""Hands the root logger's records to a tracker, line by line."""

import logging
from collections.abc import Callable

FORMAT = "[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"


class LogLineHandler(logging.Handler):
    """Gives each line of each record to `sink` as `(number, line)`.

    `sink` must return at once and not log. Records of Aim's own loggers are left out: they may be
    written while Aim stores a line, and would then breed more lines.
    """

    def __init__(self, sink: Callable[[int, str], object], *, max_lines: int) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))
        self.addFilter(lambda record: record.name.split(".")[0] != "aim")
        self._sink = sink
        self._max_lines = max_lines
        self._n_lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            lines = self.format(record).splitlines()
        except Exception:  # a record with wrong arguments; the terminal's handler reports it
            return
        for line in lines:
            self._take(line)

    def attach(self) -> None:
        logging.getLogger().addHandler(self)

    def detach(self) -> None:
        logging.getLogger().removeHandler(self)

    def _take(self, line: str) -> None:
        number = self._n_lines
        if number > self._max_lines:
            return
        self._n_lines += 1
        if number == self._max_lines:
            self._sink(number, f"Lines after the first {self._max_lines} are left out.")
            return
        self._sink(number, line)
