"""Parts of the benchmarks `sweep_speed.py` and `accuracy.py`."""
