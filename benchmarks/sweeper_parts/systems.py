"""Systems: what is compared, and how each is asked for a number of trials."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper_parts.environments import NEW, OLD, OURS, Environment

SPACE = ("x=interval(-5,5)", "y=interval(-5,5)")
N_WORKERS = 2


@dataclass(frozen=True)
class System:
    """A way to run trials; `arguments` asks it for `n_trials` with its results in a folder."""

    name: str
    environment: Environment
    app: str
    arguments: Callable[[int, Path], Sequence[str]]

    @property
    def is_hydra_sweeper(self) -> bool:
        """Whether it is one of the Hydra sweepers that ours is held against."""
        return self.app != "bare.py" and not self.name.startswith("ours")


def _ours(n_workers: int) -> Callable[[int, Path], Sequence[str]]:
    return lambda n_trials, folder: (
        "-m",
        "hydra/sweeper=optuna5",
        "hydra.sweeper.sampler=random",
        f"hydra.sweeper.n_trials={n_trials}",
        f"hydra.sweeper.n_workers={n_workers}",
        f"hydra.sweep.dir={folder}",
        *SPACE,
    )


def _theirs(storage: str | None, n_jobs: int = 1) -> Callable[[int, Path], Sequence[str]]:
    """`storage` names a file of the results' folder, None the sweeper's memory."""
    launcher = ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={n_jobs}") if n_jobs > 1 else ()
    return lambda n_trials, folder: (
        "-m",
        "hydra/sweeper=optuna",
        "hydra/sweeper/sampler=random",
        "hydra.sweeper.study_name=benchmark",
        f"hydra.sweeper.n_trials={n_trials}",
        f"hydra.sweeper.n_jobs={n_jobs}",
        *([f"hydra.sweeper.storage={_sqlite(folder, storage)}"] if storage else []),
        f"hydra.sweep.dir={folder}",
        *launcher,
        *SPACE,
    )


def _basic(n_trials: int, folder: Path) -> Sequence[str]:
    return ("-m", f"hydra.sweep.dir={folder}", f"x=range(0,{n_trials})")


def _sqlite(folder: Path, name: str) -> str:
    return f"sqlite:///{folder / name}"


_FILE = "studies.db"

OVERHEAD = (
    System("ours, 1 worker", OURS, "parabola.py", _ours(1)),
    System("ours, 2 workers", OURS, "parabola.py", _ours(N_WORKERS)),
    System("hydra-optuna-sweeper 1.4.0rc3, sqlite", NEW, "parabola.py", _theirs(_FILE)),
    System("hydra-optuna-sweeper 1.4.0rc3, memory", NEW, "parabola.py", _theirs(None)),
    System("hydra-optuna-sweeper 1.3.0, sqlite", OLD, "parabola.py", _theirs(_FILE)),
    System("hydra-optuna-sweeper 1.3.0, memory", OLD, "parabola.py", _theirs(None)),
    System("Hydra's BasicSweeper, no storage", OURS, "parabola.py", _basic),
    System("Optuna alone, sqlite", OURS, "bare.py", lambda n, f: (str(n), _sqlite(f, _FILE))),
    System("Optuna alone, memory", OURS, "bare.py", lambda n, _: (str(n),)),
)

UNEVEN = (
    System("ours, 2 workers", OURS, "uneven.py", _ours(N_WORKERS)),
    System("hydra-optuna-sweeper 1.4.0rc3, joblib", NEW, "uneven.py", _theirs(_FILE, N_WORKERS)),
    System("hydra-optuna-sweeper 1.3.0, joblib", OLD, "uneven.py", _theirs(_FILE, N_WORKERS)),
)


def curves(pruner: str, n_points: int, planted: int, seed: int) -> System:
    """Our sweeper on a grid of learning curves."""
    key = "+hydra.sweeper.pruner_settings"
    rungs = (f"{key}.min_resource=3", f"{key}.reduction_factor=3") if pruner == "asha" else ()
    return System(
        f"ours, pruner={pruner}",
        OURS,
        "curves.py",
        lambda _, folder: (
            "-m",
            "hydra/sweeper=optuna5",
            "hydra.sweeper.study_name=study",
            f"hydra.sweeper.pruner={pruner}",
            *rungs,
            f"hydra.sweep.dir={folder}",
            f"planted={planted}",
            f"seed={seed}",
            f"point=range(0,{n_points})",
        ),
    )
