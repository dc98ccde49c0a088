"""How Aim closes what is still open when the program ends."""

import atexit
import sys

from aim.ext.cleanup import AutoClean


def close_in_this_thread() -> None:
    """Have Aim close it in the thread that ends, where it can start no other any more.

    It starts one to be safe from Ctrl-C, which Python refuses by then, since 3.12.
    """
    if sys.version_info >= (3, 12):
        atexit.unregister(AutoClean.cleanup)
        AutoClean.cleanup = staticmethod(AutoClean._cleanup)
        if AutoClean._registered_with_atexit:
            atexit.register(AutoClean.cleanup)
