"""Makes the client of Aim's tracking server safe: it fails where it fails, and nothing queues."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from requests import ConnectionError as RequestFailed
from websockets.exceptions import ConnectionClosed

SCHEME = "aim://"
RECONNECT_S = 15
RECONNECT_INTERVAL_S = 0.5


def call_directly(client: Any) -> None:
    """Have `client` make each call when it is asked to, in the thread that asks.

    Its own queue takes calls up to a gigabyte while a server hangs, and is waited for without end
    when one is gone; its thread dies of the first call that a server refuses.
    """
    queue = client._queue
    queue._shutdown = True
    queue._queue.put((lambda _: None, ((),)))  # its thread wakes up, and ends
    client._queue = DirectCalls()
    logging.getLogger("websockets.client").setLevel(logging.CRITICAL)  # of a server that hangs


class DirectCalls:
    """In place of `aim.ext.transport.request_queue.RequestQueue`."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()  # Aim's signs of life come from another thread

    def register_task(self, client: Any, task: Callable[..., object], *arguments: object) -> None:
        with self._one_at_a_time:
            try:
                task(*arguments)
            except ConnectionClosed:
                reconnect(client)
                task(*arguments)

    def wait_for_finish(self) -> None:
        """Nothing is ever left to be waited for."""

    def stop(self) -> None:
        pass


def reconnect(client: Any) -> None:
    """Wait a while for a server that is started anew.

    Raises:
        OSError: it was not.
    """
    deadline = time.monotonic() + RECONNECT_S
    while True:
        try:
            client.reconnect()
            return
        except (OSError, RequestFailed, ConnectionClosed):
            if time.monotonic() > deadline:
                raise
        time.sleep(RECONNECT_INTERVAL_S)


def release(client: Any, held: Iterable[Any]) -> None:
    """Have the server close what is `held` open for `client`."""
    client._heartbeat_sender._shutdown = True
    for resource in held:
        if getattr(resource, "_rpc_client", None) is client:
            resource._resources.close()
        elif resource._resources is not None:  # else the garbage collector would, in any thread
            resource._resources.finalizer.detach()
    if client._ws is not None:
        client._ws.close()
    client._ws = None
