"""qa_sweep: finds the best extractive question-answering model for your data, and shows why."""

__version__ = "0.1.0"
