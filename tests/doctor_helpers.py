"""A study and its runs, as sweeps leave them, without a training."""

import subprocess
from pathlib import Path

import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from tracking_helpers import in_new_process

from qa_sweep.accord import AIM_RUN
from qa_sweep.config import TrackingConfig
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import default_storage_url, open_storage
from qa_sweep.sweep.studies import StudyOnDisk, find_study
from qa_sweep.tracking import Outcome, RunTracker, Subset, open_tracker

RESULTS = Path("results")
LEARNING_RATE = "trainer.learning_rate"

TRIAL = """
    # Works on a trial of study s until it is killed.
    import sys, time
    sys.path.insert(0, sys.argv[1])
    from pathlib import Path
    from doctor_helpers import open_run, study_of
    from qa_sweep.sweep.lease import Lease
    from qa_sweep.sweep.lease_stores import LeaseFiles
    from qa_sweep.tracking import Subset
    trial = study_of("s").ask()
    with Lease(LeaseFiles(Path("results/.studies/s")), trial.number):
        tracker = open_run("s", trial.number)
        trial.set_user_attr("aim_run", tracker.run_hash)
        tracker.track({"loss": 2.0}, step=1, epoch=None, subset=Subset.train)
        time.sleep(1)  # for Aim to have it
        print("ready", flush=True)
        time.sleep(600)
"""
SINGLE_RUN = """
    import sys, time
    sys.path.insert(0, sys.argv[1])
    from doctor_helpers import open_run
    tracker = open_run("", 1)
    time.sleep(1)  # for Aim to have it
    print("ready", flush=True)
    time.sleep(600)
"""


def at_work(script: str = TRIAL) -> subprocess.Popen:
    """A process that has begun its run."""
    process = in_new_process(script, str(Path(__file__).parent))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


def study_of(name: str) -> optuna.Study:
    """The study, made where it is missing."""
    storage = open_storage(default_storage_url(RESULTS))
    objectives = (Objective("f1", "maximize"),)
    return open_study(storage, name, Identity.of(Space(()), objectives, {}))


def on_disk(name: str = "s") -> StudyOnDisk:
    return find_study(RESULTS, name)


def open_run(name: str, number: int, run_hash: str | None = None) -> RunTracker:
    """A run as the job of a trial opens it; of no trial where `name` is empty."""
    parent = RESULTS / (name or "runs")
    folder = (parent / str(number)).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    config = TrackingConfig(repo=".", system_interval_s=3600)
    run_name = f"{parent.name}/{number}"
    tracker = open_tracker(
        config, experiment=name or "e", run_name=run_name, folder=folder, run_hash=run_hash
    )
    place = {"name": name, "trial": number if name else -1, "folder": str(folder)}
    tracker.set_params({"hparams": {"learning_rate": 0.5}, "study": place})
    return tracker


def make_run(name: str, number: int, outcome: Outcome = Outcome.complete) -> str:
    """A run that was closed; gives its hash."""
    tracker = open_run(name, number)
    tracker.track({"f1": 50.0 + number}, step=10, epoch=1.0, subset=Subset.eval)
    tracker.close(outcome)
    assert tracker.run_hash is not None
    return tracker.run_hash


def make_trial(
    run_hash: str | None, state: TrialState = TrialState.COMPLETE, **attributes: object
) -> FrozenTrial:
    """A trial with the intermediate value 55 at step 10, that names its run."""
    named = {AIM_RUN: run_hash} if run_hash is not None else {}
    return create_trial(
        state=state,
        params={LEARNING_RATE: 0.5},
        distributions={LEARNING_RATE: FloatDistribution(0.0, 1.0)},
        value=60.0 if state is TrialState.COMPLETE else None,
        intermediate_values={10: 55.0},
        user_attrs={"f1": 60.0, **named, **attributes},
    )


def make_study(*outcomes: Outcome, name: str = "s") -> list[str]:
    """A study whose trials ended so, each with its run; gives the runs' hashes."""
    hashes = [make_run(name, number, outcome) for number, outcome in enumerate(outcomes)]
    states = {Outcome.complete: TrialState.COMPLETE, Outcome.pruned: TrialState.PRUNED}
    study = study_of(name)
    for run_hash, outcome in zip(hashes, outcomes, strict=True):
        study.add_trial(make_trial(run_hash, states.get(outcome, TrialState.FAIL)))
    return hashes
