"""Data: examples from the hub, local files or the embedded generator, and their windows."""

from qa_sweep.data.command import main
from qa_sweep.data.files import fingerprint_of_files
from qa_sweep.data.local import read_examples
from qa_sweep.data.preparation import is_cleaning, prepare, set_cleaning
from qa_sweep.data.sources import Splits, load_examples, load_questions

__all__ = [
    "Splits",
    "fingerprint_of_files",
    "is_cleaning",
    "load_examples",
    "load_questions",
    "main",
    "prepare",
    "read_examples",
    "set_cleaning",
]
