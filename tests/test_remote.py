"""A launcher's job keeps a worker process at work, and says why it does not any more."""

from pathlib import Path

import pytest

from qa_sweep.disk import DiskFull
from qa_sweep.sweep.local import DISK_FULL
from qa_sweep.sweep.remote import RemoteWorker
from qa_sweep.sweep.role import WorkerRole


# What holds a worker's input open is collected, not closed.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO")
def test_a_worker_without_room_is_not_started_again(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = f"import sys; print('start', file=open({str(starts)!r}, 'a')); sys.exit({DISK_FULL})"
    work = RemoteWorker(("-c", code), str(tmp_path), WorkerRole(0, str(tmp_path)))
    with pytest.raises(DiskFull, match="make room, then give the same command again"):
        work(None)
    assert starts.read_text() == "start\n"
