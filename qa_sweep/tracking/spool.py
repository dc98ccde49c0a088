"""The file in a run's folder that holds what the run's record holds, until the record is closed.

Each event is written here before it goes to the tracker, so that nothing is lost with a repo that
is full, away or removed, or with a process that is killed. While a tracker writes to it, it holds
the file's lock, which the system takes away when the process dies: a sign of life.
"""

import fcntl
import json
import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from qa_sweep.tracking.events import Event, is_event

SPOOL_NAME = "tracking.jsonl"
MAX_PENDING = 10_000  # events kept in memory while the file cannot be written
LOOK_INTERVAL_S = 0.05

logger = logging.getLogger(__name__)


class Spool:
    """The spool of the run in `folder`; nothing is there before `take`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / SPOOL_NAME
        self.n_lost = 0  # events that found no room
        self._file: int | None = None
        self._size = 0  # of the whole lines in the file
        self._pending: deque[bytes] = deque()

    def take(self, wait_s: float, *, make: bool = False) -> bool:
        """Lock the file; False where another holds it. `make` makes it where there is none.

        Raises:
            OSError: the file cannot be opened or locked; FileNotFoundError where there is none.
        """
        deadline = time.monotonic() + wait_s
        while not self._try_to_take(make):
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_INTERVAL_S)
        self._cut_torn_line()
        return True

    @property
    def is_taken(self) -> bool:
        return self._file is not None

    @property
    def size(self) -> int:
        return self._size

    def append(self, event: Event) -> None:
        """Write `event`; where that fails, it waits in memory for the next call."""
        if len(self._pending) >= MAX_PENDING:
            self._pending.popleft()
            self.n_lost += 1
        self._pending.append(json.dumps(event).encode() + b"\n")
        with suppress(OSError):
            self._write_pending()

    def remove(self) -> None:
        """Remove the file: all that it holds is in the tracker."""
        self._pending.clear()
        if self._file is not None:
            self.path.unlink(missing_ok=True)
        self.let_go()

    def close(self) -> None:
        """Let go of the file, which stays; what could not be written until now is lost."""
        with suppress(OSError):
            self._write_pending()
        self.n_lost += len(self._pending)
        self._pending.clear()
        self.let_go()

    def let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _try_to_take(self, make: bool) -> bool:
        if make:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(
            self.path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if make else 0), 0o666
        )
        _taken.add(self)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.let_go()
            return False
        if is_same_file(self._file, self.path):
            return True
        self.let_go()  # who held it has removed it
        return self._try_to_take(make)

    def _cut_torn_line(self) -> None:
        """Cut a line that a killed process or a power cut has left unfinished."""
        content = self.path.read_bytes()
        self._size = content.rfind(b"\n") + 1
        if self._size < len(content):
            self._truncate()

    def _write_pending(self) -> None:
        while self._pending and self._file is not None:
            line = self._pending[0]
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError("the disk is full")
            except OSError:
                self._truncate()
                raise
            self._size += len(line)
            self._pending.popleft()

    def _truncate(self) -> None:
        assert self._file is not None
        with suppress(OSError):
            os.ftruncate(self._file, self._size)


_taken: WeakSet[Spool] = WeakSet()


def _let_go_in_child() -> None:
    """A forked child, e.g. a data loader's, may outlive the tracker and must not hold its lock."""
    for spool in list(_taken):
        spool.let_go()


os.register_at_fork(after_in_child=_let_go_in_child)


def is_held(path: Path) -> bool:
    """Whether a living process holds the spool at `path`; also where that cannot be told."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def is_same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def read_events(path: Path, size: int) -> Iterator[Event]:
    """The events in the first `size` bytes of a spool; broken lines cost one warning."""
    n_broken = 0
    with path.open("rb") as file:
        while file.tell() < size:
            event = parsed(file.readline())
            if event is None:
                n_broken += 1
            else:
                yield event
    if n_broken:
        logger.warning("%s holds %d broken lines, which are left out", path, n_broken)


def parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if is_event(event) else None
