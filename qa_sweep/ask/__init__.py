"""Ask: answers from the best model of a study, or from any model folder.

from qa_sweep import Answerer

answerer = Answerer.of_study()  # the best model of the latest study in results/
answerer.ask("Who wrote it?", "Mary Shelley wrote it in 1818.")[0].text
"""

from typing import TYPE_CHECKING, Any

from qa_sweep.ask.answer import Answer
from qa_sweep.ask.command import main

if TYPE_CHECKING:
    from qa_sweep.ask.answerer import Answerer

__all__ = ["Answer", "Answerer", "main"]


def __getattr__(name: str) -> Any:
    if name == "Answerer":  # it needs torch, which takes seconds to import
        from qa_sweep.ask.answerer import Answerer

        return Answerer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
