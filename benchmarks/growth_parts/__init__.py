"""Parts of the benchmark of growth."""
