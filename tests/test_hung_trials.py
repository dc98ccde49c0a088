"""Hung trials are told, also by a sweep that would let its own hang."""

from pathlib import Path

import pytest

from qa_sweep.sweep.hang_watch import stack_file
from qa_sweep.sweep.hung_trials import HungTrials
from qa_sweep.sweep.lease import Lease
from qa_sweep.sweep.lease_stores import LeaseFiles


@pytest.mark.parametrize(("limit_s", "silence"), [(None, "long"), (90.0, "1.5 minutes")])
def test_a_trial_that_hung_is_told_once_whatever_the_own_limit(
    limit_s, silence, tmp_path: Path
) -> None:
    leases = LeaseFiles(tmp_path)
    hung_trials = HungTrials(leases, limit_s, max_retries=2)
    stack = stack_file(tmp_path, 0)
    with Lease(leases, 7, "0", stack=stack):
        hung_trials.read(7)
        assert hung_trials.news() == []
        stack.write_text("in hang")
        (told,) = hung_trials.news()
    assert told.startswith(f"trial 7 gave no sign of life for {silence} and was stopped, ")
    assert told.endswith(str(stack))
    assert hung_trials.news() == []
