"""The ready views of Aim, and their links."""

import base64
import json
from types import SimpleNamespace
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.tracking.links import encode
from qa_sweep.tracking.values import plain
from qa_sweep.tracking.views import BATCH_SIZE, LEARNING_RATE, views


@given(st.text())
def test_a_state_survives_its_link(text: str) -> None:
    state = {"text": text, "list": [1, None, True]}
    encoded = encode(state).removeprefix("O-")
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
    assert json.loads(unquote(decoded)) == state


@given(st.text(), st.text())
def test_a_view_shows_the_runs_of_its_study_alone(name: str, other: str) -> None:
    for view in views(name):
        query = query_of(view.state)
        assert eval(query, {"run": SimpleNamespace(experiment=name)})
        assert name == other or not eval(query, {"run": SimpleNamespace(experiment=other)})


def test_loss_curves_are_grouped_as_in_the_tutorial() -> None:
    loss, scores, params, texts = views("study")
    assert loss.state["grouping"] == {
        "color": ["run.params.hparams.learning_rate"],
        "stroke": ["context.subset"],
        "chart": ["run.params.hparams.batch_size"],
    }
    assert option_names(scores.state) == ["exact_match", "f1"]
    assert option_names(params.state) == [LEARNING_RATE, BATCH_SIZE, "best.loss", "best.f1"]
    assert texts.state["groupings"]["columns"]["fields"] == ["texts.name"]


def test_params_other_than_the_tutorials_get_colours_and_axes() -> None:
    loss, scores, params, _ = views("study", ["model.name", "hparams.weight_decay"], "exact_match")
    assert loss.state["grouping"]["color"] == ["run.params.model.name"]
    assert loss.state["grouping"]["chart"] == []
    assert len(scores.state["grouping"]["color"]) == 2
    assert option_names(params.state) == [
        "model.name",
        "hparams.weight_decay",
        "best.loss",
        "best.exact_match",
    ]


def test_a_params_name_stands_in_a_view_as_it_is_stored() -> None:
    name = "hparams.<b title='x'>"
    stored = next(iter(plain({name: 1})))
    _, _, params, _ = views("study", [name])
    assert option_names(params.state)[0] == stored != name


def test_without_params_a_view_still_opens() -> None:
    loss, _, params, _ = views("study", [])
    assert loss.state["grouping"]["color"] == []
    assert option_names(params.state) == ["best.loss", "best.f1"]


def query_of(state: dict) -> str:
    return state["select"]["query"] if "select" in state else state["query"]["form"]["simpleInput"]


def option_names(state: dict) -> list[str]:
    return [
        option.get("value", {}).get("option_name", option["label"])
        for option in state["select"]["options"]
    ]
