"""Ready views of a study in Aim: its loss curves, scores, params and texts.

A view's state is what Aim's page keeps of itself; parts that are left out are Aim's defaults.
Groupings say `run.params.X` and `context.X` where queries say `run.X` and `metric.context.X`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_sweep.tracking.links import link
from qa_sweep.tracking.markup import without_markup
from qa_sweep.tracking.tracker import Subset

State = dict[str, Any]

TEXT_PAGE = "text"
LEARNING_RATE = "hparams.learning_rate"
BATCH_SIZE = "hparams.batch_size"
TEXT_NAMES = ("question", "answer", "reference")
MAX_TEXT_STEPS = 1_000  # a question a step; Aim shows so many of the chosen steps:
N_TEXT_STEPS_SHOWN = 50
COLORS = ("#3E72E7", "#18AB6D", "#7A4CE0", "#E149A0", "#E43D3D", "#E8853D", "#0394B4", "#729B1B")


@dataclass(frozen=True)
class View:
    """A page of Aim in a certain state."""

    title: str
    page: str  # metrics, params or text
    state: State

    @property
    def address(self) -> str:
        """Its deep link, below the UI's address."""
        return link(self.page, self.state)


def views(
    experiment: str, params: Sequence[str] = (LEARNING_RATE, BATCH_SIZE), metric: str = "f1"
) -> list[View]:
    """The views of the runs of `experiment`.

    `params` are those that the runs differ in; `metric` is what they are compared by.
    """
    query = f"run.experiment == {experiment!r}"
    params = [without_markup(name) for name in params]  # as they are stored
    return [
        View("Loss curves", "metrics", loss_state(query, params)),
        View("Exact match and F1 by step", "metrics", score_state(query, params)),
        View("Params and best results", "params", params_state(query, params, metric)),
        View("Questions and answers", TEXT_PAGE, text_state(query)),
    ]


def loss_state(query: str, params: Sequence[str]) -> State:
    """Colour and chart tell the params, dashes the subset."""
    chart = [BATCH_SIZE] if BATCH_SIZE in params and len(params) > 1 else []
    grouping = {
        "color": color_params(params, 1),
        "stroke": ["context.subset"],
        "chart": [f"run.params.{name}" for name in chart],
    }
    return {"grouping": grouping, "select": select(query, [metric_option("loss", 0)])}


def score_state(query: str, params: Sequence[str]) -> State:
    """A chart a metric, so that in each all runs can be compared at the same step."""
    on_eval = {"subset": Subset.eval.value}
    options = [metric_option(name, i, on_eval) for i, name in enumerate(("exact_match", "f1"))]
    grouping = {"color": color_params(params, len(params)), "chart": ["name"]}
    return {"grouping": grouping, "select": select(query, options)}


def params_state(query: str, params: Sequence[str], metric: str) -> State:
    """Parallel coordinates of the params and of each run's best evaluation."""
    axes = dict.fromkeys((*params, "best.loss", f"best.{metric}"))
    options = [param_option(name, index) for index, name in enumerate(axes)]
    return {
        "grouping": {"color": color_params(params, 1)},
        "select": select(query, options),
    }


def text_state(query: str) -> State:
    """A row a passage and question, a column a name; the runs' texts lie side by side in a cell."""
    ranges = {
        "isApplyButtonDisabled": True,
        "isValid": True,
        # Without ranges, Aim shows some of the texts.
        "record": {"slice": [0, MAX_TEXT_STEPS], "density": N_TEXT_STEPS_SHOWN},
        "index": {"slice": [0, 0], "density": 1},
    }
    selections = [metric_option(name, index) for index, name in enumerate(TEXT_NAMES)]
    form = {"simpleInput": query, "selections": selections, "advancedModeOn": False}
    groupings = {
        "rows": {"fields": ["texts.context.context", "record.step"], "orders": ["asc", "asc"]},
        "columns": {"fields": ["texts.name"], "orders": ["desc"]},
    }
    return {"query": {"form": form, "ranges": ranges}, "groupings": groupings}


def color_params(params: Sequence[str], count: int) -> list[str]:
    """The `count` params to be told by colour, the likeliest to matter first."""
    ordered = sorted(params, key=lambda name: (name != LEARNING_RATE, name == BATCH_SIZE))
    return [f"run.params.{name}" for name in ordered[:count]]


def select(query: str, options: Sequence[State]) -> State:
    return {
        "options": list(options),
        "query": query,
        "advancedMode": False,
        "advancedQuery": "",
    }


def metric_option(name: str, index: int, context: Mapping[str, str] | None = None) -> State:
    label = " ".join((name, *(context or {}).values()))
    return {
        "label": label,
        "group": name,
        "type": "metrics",
        "color": COLORS[index % len(COLORS)],
        "key": label,
        "value": {"option_name": name, "context": context},
    }


def param_option(name: str, index: int) -> State:
    color = COLORS[index % len(COLORS)]
    return {"label": name, "key": name, "group": "Params", "type": "params", "color": color}
