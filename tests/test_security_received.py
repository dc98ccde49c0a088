"""Results that somebody else has sent: to look at them or to use their model runs none of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from ask_helpers import RUN, in_study, model_folder, passages, study_folder
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from security_helpers import MARK, hostile_pickle, write_hostile

from qa_sweep import ask, champion, doctor, replay, report, study
from qa_sweep.errors import StudyError
from qa_sweep.sweep.cma_es import CmaEsSampler

__all__ = ["in_study", "model_folder", "passages", "study_folder"]  # fixtures

TAGGED = f"tracking: !!python/object/apply:os.mkdir [{MARK}]\n"
PLACES = [
    *("result.json", "predictions.parquet", "evaluations/000000001.parquet", "tracking.jsonl"),
    *("best.yaml", ".hydra/overrides.yaml", "model/config.json", "model/tokenizer.json"),
    *("model/tokenizer_config.json", "model/pytorch_model.bin", "model/training_args.bin"),
    *("checkpoints/checkpoint-1/optimizer.pt", "checkpoints/checkpoint-1/rng_state.pth"),
]
COMMANDS: dict[str, Callable[[], int]] = {
    "study list": lambda: study.main(["list"]),
    "study show": lambda: study.main(["show"]),
    "study export": lambda: study.main(["export", "--csv", "out.csv"]),
    "report": lambda: report.main([]),
    "report as JSON": lambda: report.main(["--json", "out.json"]),
    "flips": lambda: report.main(["--flips", "0", "0"]),
    "label errors": lambda: report.main(["--label-errors", "out.csv"]),
    "ask": lambda: ask.main(["Who?", "--context", "Ada did."]),
    "champion": lambda: champion.main(["--to", "out"]),
    "replay": lambda: replay.main([str(RUN)]),
    "doctor": lambda: doctor.main([]),
}


def mark_of(folder: Path) -> Path:
    return folder / MARK


def spoil(folder: Path, place: str) -> None:
    path = folder / RUN / place
    path.parent.mkdir(parents=True, exist_ok=True)
    is_archive = path.suffix in (".bin", ".pt", ".pth")
    write_hostile(path, mark_of(folder), is_archive=is_archive)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_reads_a_pickle_wherever_one_lies(in_study, command, capsys) -> None:
    (in_study / RUN / ".hydra").mkdir(exist_ok=True)
    (in_study / RUN / ".hydra/config.yaml").write_text(TAGGED)
    for place in PLACES:
        spoil(in_study, place)
    code = COMMANDS[command]()
    assert not mark_of(in_study).exists()
    output = capsys.readouterr()
    assert code == 0 or len(output.err.strip().splitlines()) == 1 or command == "doctor"


def test_a_model_with_pickles_beside_it_answers_without_them(in_study) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        spoil(in_study, f"model/{name}")
    assert COMMANDS["ask"]() == 0
    assert not mark_of(in_study).exists()


class Sphere:
    """A study whose trials are sampled by CMA-ES from what the study holds."""

    def __init__(self) -> None:
        self.study = optuna.create_study()

    def ask(self) -> optuna.Trial:
        self.study.sampler = CmaEsSampler(seed=1, n_startup_trials=1)
        return self.study.ask({"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)})

    def work(self, n_trials: int) -> None:
        for _ in range(n_trials):
            trial = self.ask()
            self.study.tell(trial, sum(trial.params.values()))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_cmaes_goes_on_from_the_state_that_it_has_kept() -> None:
    pytest.importorskip("cmaes")
    sphere = Sphere()
    sphere.work(20)
    ours = CmaEsSampler(seed=1)._restore_optimizer(sphere.study.trials)
    twin = optuna.samplers.CmaEsSampler(seed=1)._restore_optimizer(sphere.study.trials)
    assert ours.generation == twin.generation > 0
    for ours_is, twins_is in ((ours._C, twin._C), (ours.mean, twin.mean)):
        assert np.array_equal(ours_is, twins_is)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_state_of_cmaes_that_is_something_else_is_refused_and_not_run(tmp_path) -> None:
    pytest.importorskip("cmaes")
    sphere = Sphere()
    sphere.work(3)
    hostile = create_trial(
        params={"x": 0.5, "y": 0.5},
        distributions={"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)},
        value=1.0,
        system_attrs={"cma:optimizer:0": hostile_pickle(mark_of(tmp_path)).hex()},
    )
    sphere.study.add_trial(hostile)
    with pytest.raises(StudyError, match=r"posix\.mkdir"):
        sphere.ask()
    assert not mark_of(tmp_path).exists()
    optuna.samplers.CmaEsSampler(seed=1)._restore_optimizer(sphere.study.trials)
    assert mark_of(tmp_path).exists()  # as Optuna's own would have it
