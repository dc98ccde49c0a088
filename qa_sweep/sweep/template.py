"""Template: a process that has imported what jobs need, of which local workers are forked.

It is itself a fork of the sweep's process, made before that has imported or opened anything: see
`forking` for what it does. What it has imported is shared by all workers, so that imports are paid
once a sweep, and a worker that is started later starts at once.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from qa_sweep.sweep.forking import LONGEST_MESSAGE, fork_workers, is_forkable
from qa_sweep.sweep.role import WorkerRole
from qa_sweep.sweep.slots import thread_environment

_POLL_INTERVAL_S = 0.05


class Template:
    """A context manager: the process is there at once, ready seconds later, and ends with the body.

    It also ends with this process, whatever kills that, and its workers end with it. One that has
    died is not made again.
    """

    @staticmethod
    def begin(preload: Callable[[], None], n_workers: int) -> "Template | None":
        """Fork a template, which calls `preload`; None where this process cannot be forked.

        Returns in each worker as well, whose environment says that it is one: there with None.
        """
        if not is_forkable():
            return None
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid != 0:
            its.close()
            return Template(pid, ours)
        ours.close()
        os.environ |= thread_environment(n_workers)  # which libraries read when they are imported
        fork_workers(its, preload)
        return None

    def __init__(self, pid: int, its_socket: socket.socket) -> None:
        self._pid = pid
        self._socket = its_socket
        self._n_started = 0
        self._is_ready = False
        self._exit_code: int | None = None
        self._exit_codes: dict[int, int] = {}

    def __enter__(self) -> "Template":
        return self

    def __exit__(self, *_: object) -> None:
        if self.lives:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._socket.close()

    @property
    def lives(self) -> bool:
        self._listen()
        return self._exit_code is None

    def start(self, role: WorkerRole, slot: Mapping[str, str]) -> "ForkedWorker":
        """Have a worker forked that has the device slot `slot`, once the template is ready."""
        role.log.parent.mkdir(parents=True, exist_ok=True)
        number, self._n_started = self._n_started, self._n_started + 1
        self._tell("start", number, asdict(role), dict(slot))
        return ForkedWorker(self, number)

    def exit_code(self, number: int) -> int | None:
        """Of the worker that was started as `number`: negative for a signal, None while it lives.

        A worker does not outlive its template.
        """
        self._listen()
        return self._exit_codes.get(number, self._exit_code)

    def send_signal(self, number: int, signal_number: int) -> None:
        if not self.lives:
            return
        if self._is_ready:
            self._tell("signal", number, signal_number)
        else:  # nobody works yet, so nothing is to be finished
            os.kill(self._pid, signal.SIGKILL)

    def _tell(self, *message: Any) -> None:
        with suppress(ConnectionError):  # it has died, which is seen when it is listened to
            self._socket.send(json.dumps(message).encode())

    def _listen(self) -> None:
        """Note what the template has said: that it is ready, then who has ended, and how."""
        while self._exit_code is None:
            try:
                said = self._socket.recv(LONGEST_MESSAGE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                said = b""
            if said:
                self._is_ready = True
                self._exit_codes |= dict(json.loads(said))
            else:
                _, status = os.waitpid(self._pid, 0)
                self._exit_code = os.waitstatus_to_exitcode(status)


class ForkedWorker:
    """A worker, to be watched and told to stop as a `subprocess.Popen` is."""

    def __init__(self, template: Template, number: int) -> None:
        self._template = template
        self._number = number

    def poll(self) -> int | None:
        return self._template.exit_code(self._number)

    def send_signal(self, signal_number: int) -> None:
        self._template.send_signal(self._number, signal_number)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(_POLL_INTERVAL_S)
        return code
