"""The parabola with Optuna alone, no Hydra: `bare.py N_TRIALS [STORAGE_URL]`."""

import sys

import optuna


def objective(trial: optuna.Trial) -> float:
    x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
    return (x - 3.0) ** 2 + (y + 1.0) ** 2


if __name__ == "__main__":
    n_trials, storage = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    sampler = optuna.samplers.RandomSampler(seed=0)
    optuna.create_study(storage=storage, sampler=sampler).optimize(objective, n_trials=n_trials)
