"""`hydra/sweeper=optuna5`: asynchronous Optuna 5 studies for any Hydra app."""
