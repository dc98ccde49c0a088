"""Local workers: how a process of theirs ends."""

import subprocess
import sys
import textwrap

from conftest import environment

ENDING = """
    import atexit, time
    from concurrent.futures import ThreadPoolExecutor
    from qa_sweep.sweep.local import end_at_once

    class Large:
        def __del__(self):
            print("freed")

    large = Large()
    atexit.register(print, "last words")
    ThreadPoolExecutor().submit(lambda: time.sleep(0.3) or print("a thread's work"))
    print("not a whole line", end=", ")
    end_at_once()
"""


def test_a_worker_that_is_through_ends_with_all_said_and_done_but_frees_nothing(tmp_path) -> None:
    script = textwrap.dedent(ENDING)
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "not a whole line, a thread's work\nlast words\n"
    assert ended.stderr == ""
