"""Figure: what plotly draws, with words for whoever does not see it."""

import json
from dataclasses import dataclass
from typing import Any

_COLOR_SCALE = "rgb(8,48,107)"  # the dark end of Optuna's, which a dark ground would swallow
_N_DIGITS = 6  # more are not seen, and would double the size


@dataclass(frozen=True)
class Figure:
    """A chart of the page."""

    name: str  # unique among a study's
    title: str
    reading: str  # how to read it
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    min_width: int = 0  # pixels; on a narrower screen it is scrolled
    is_on_paper: bool = False  # has colours that are made for a white ground

    def as_dict(self) -> dict[str, Any]:
        content = {"data": _rounded(self.data), "layout": _rounded(self.layout)}
        return {**content, "onPaper": self.is_on_paper}

    @staticmethod
    def of_plotly(
        name: str, title: str, reading: str, figure: Any, *, height: int = 0, min_width: int = 0
    ) -> "Figure":
        """From a figure of Optuna, without its looks: the page has its own."""
        content = json.loads(figure.to_json())
        layout = content["layout"]
        for looks in ("template", "title", "width", "plot_bgcolor"):
            layout.pop(looks, None)
        if height:
            layout["height"] = height
        is_on_paper = any(_COLOR_SCALE in json.dumps(trace) for trace in content["data"])
        return Figure(name, title, reading, content["data"], layout, min_width, is_on_paper)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_N_DIGITS}g}")
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return value
