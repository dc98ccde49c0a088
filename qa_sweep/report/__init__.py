"""Report: what came of a study: in the terminal, as CSV and JSON, and as one page."""

from qa_sweep.report.command import main

__all__ = ["main"]
