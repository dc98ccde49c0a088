"""A Hydra sweeper over Optuna: studies, tickets, leases, workers; knows nothing of what it runs.

A job talks to the trial it works on through `qa_sweep.sweep.trial`.
"""
