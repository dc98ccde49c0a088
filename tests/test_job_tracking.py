"""A job's run in Aim, wherever the job is ended, and whichever trial it goes on from."""

from pathlib import Path
from typing import Any

import pytest
from tracking_helpers import empty_repo, only_run, repo

from qa_sweep import job
from qa_sweep.accord import AIM_RUN
from qa_sweep.config import EmbeddedData, RunConfig, TinyModel, Tracker, TrackingConfig
from qa_sweep.sweep.signals import Terminated
from qa_sweep.sweep.tickets import RETRY_OF
from qa_sweep.sweep.trial import TrialHandle
from qa_sweep.tracking import Subset
from qa_sweep.tracking.settling import unsettled

__all__ = ["empty_repo", "repo"]  # fixtures


class EndedWhileKeeping(TrialHandle):
    """A trial whose worker is ended when it is to keep an attribute."""

    def set_attribute(self, name: str, value: Any) -> None:
        raise Terminated


def config_of(repo: Path, tracker: Tracker = Tracker.aim) -> RunConfig:
    tracking = TrackingConfig(tracker=tracker, repo=str(repo), system_interval_s=3600)
    return RunConfig(model=TinyModel(), data=EmbeddedData(), tracking=tracking)


def folder_of(repo: Path, number: int) -> Path:
    folder = repo / "results" / "s" / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def work(
    repo: Path, number: int, handle: TrialHandle, losses: list[float], error: str | None = None
) -> None:
    """Track a job of trial `number`, which may fail when it has reported its losses."""
    with job._tracked(config_of(repo), folder_of(repo, number), handle) as tracker:
        for step, loss in enumerate(losses):
            tracker.track({"loss": loss}, step=step, epoch=None, subset=Subset.train)
        if error is not None:
            raise ValueError(error)


def test_a_job_that_is_ended_before_its_trial_names_its_run_leaves_none(repo) -> None:
    with pytest.raises(Terminated):
        work(repo, 0, EndedWhileKeeping(), [2.0])
    handle = TrialHandle()
    work(repo, 0, handle, [1.0])
    run = only_run(repo)
    assert (run.hash, run.status) == (handle.attribute(AIM_RUN), "complete")


def test_a_job_goes_on_in_the_run_that_its_trial_names_be_it_there_or_not(repo) -> None:
    handle = TrialHandle()
    handle.set_attribute(AIM_RUN, "0" * 24)
    for losses in ([2.0], [1.0, 3.0]):
        work(repo, 0, handle, losses)
    run = only_run(repo)
    assert run.hash == "0" * 24
    assert run.metrics["loss", "train"] == [(0, None, 1.0), (1, None, 3.0)]


def test_what_a_failed_trial_could_not_write_comes_before_what_its_retry_says(repo) -> None:
    failed, retry = TrialHandle(), TrialHandle()
    (repo / ".aim" / "VERSION").write_text("99.0\n")
    with pytest.raises(ValueError, match="broken"):
        work(repo, 3, failed, [2.0, 4.0], error="broken")
    (repo / ".aim" / "VERSION").write_text("1.3\n")
    assert unsettled(repo / "results/s") == [folder_of(repo, 3)]
    for name, value in {AIM_RUN: failed.attribute(AIM_RUN), RETRY_OF: 3}.items():
        retry.set_attribute(name, value)
    work(repo, 20, retry, [1.0])
    assert unsettled(repo / "results/s") == []
    run = only_run(repo)
    assert (run.status, run.tags, run.name) == ("complete", ("complete",), "s/20")
    assert "error" not in run.params
    assert run.metrics["loss", "train"] == [(0, None, 1.0), (1, None, 4.0)]


def test_an_untracked_job_keeps_no_hash(tmp_path) -> None:
    handle = TrialHandle()
    with job._tracked(config_of(tmp_path, Tracker.off), tmp_path, handle):
        pass
    assert handle.attribute(AIM_RUN) is None
