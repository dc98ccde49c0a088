"""The sweeper's benchmark: environments, systems, what is measured, tables."""
