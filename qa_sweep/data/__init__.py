"""Data: examples from the hub, local files or the embedded generator, and their windows."""

from qa_sweep.data.local import read_examples
from qa_sweep.data.preparation import prepare
from qa_sweep.data.sources import Splits, load_examples, load_questions

__all__ = ["Splits", "load_examples", "load_questions", "prepare", "read_examples"]
