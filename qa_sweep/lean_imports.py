"""Lean imports: transformers without packages that it imports only because they are installed.

Its losses for object detection take SciPy's optimizers, its Trainer asks whether a data set is one
of `datasets`: together a fifth of what the imports of a worker take. Both are imported as ever by
those who use them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_QUESTIONS = ("is_scipy_available", "is_datasets_available")


@contextmanager
def lean_imports() -> Iterator[None]:
    """Have what is imported of transformers in the body do without the packages."""
    from transformers import utils

    before = {name: getattr(utils, name) for name in _QUESTIONS}
    for name in _QUESTIONS:
        setattr(utils, name, lambda: False)
    try:
        yield
    finally:
        for name, question in before.items():
            setattr(utils, name, question)
