"""qa_sweep: finds the best extractive question-answering model for your data, and shows why."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa_sweep.ask import Answerer

__all__ = ["Answerer", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Answerer` on demand, so that `import qa_sweep` stays light."""
    if name == "Answerer":
        from qa_sweep.ask import Answerer

        return Answerer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
