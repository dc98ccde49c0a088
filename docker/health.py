#!/usr/bin/env python3
"""Health: whether a container has what its work needs.

    health [ADDRESS …]

The working folder must be writable and have room, and each address (HOST:PORT or http://…) must
answer. Says in one line what is not so, with exit code 1.
"""

import os
import shutil
import socket
import sys
from collections.abc import Sequence
from urllib.request import ProxyHandler, build_opener

_NEEDED_MIB = 256  # a checkpoint of a small model
_TIMEOUT_S = 5.0

# Without the proxy that a container may be given, which knows nothing of its neighbours.
_opener = build_opener(ProxyHandler({}))


def main(addresses: Sequence[str]) -> int:
    found = [*_of_folder(os.getcwd()), *(line for a in addresses for line in _of_address(a))]
    if found:
        print("; ".join(found), file=sys.stderr)
    return 1 if found else 0


def _of_folder(folder: str) -> list[str]:
    if not os.access(folder, os.W_OK):
        return [f"{folder} must be writable, but is not; see whose the volume is"]
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < _NEEDED_MIB:
        return [f"{folder} must have {_NEEDED_MIB} MiB free, but has {free_mib}; make room"]
    return []


def _of_address(address: str) -> list[str]:
    try:
        if address.startswith("http:"):
            _opener.open(address, timeout=_TIMEOUT_S).close()
        else:
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), _TIMEOUT_S).close()
    except OSError as error:
        return [f"{address} must answer, but: {error}; see its container's log"]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
