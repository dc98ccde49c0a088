"""Hub access: how often a hub is asked that does not answer."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from qa_sweep.data import hub_access
from qa_sweep.data.hub_access import Repository, loading

MODELS = [Repository("model", f"some/model-{number}", "main") for number in range(3)]


class Overloaded(BaseHTTPRequestHandler):
    n_asked = 0

    def do_GET(self) -> None:
        type(self).n_asked += 1
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def overloaded(monkeypatch) -> Iterator[type[Overloaded]]:
    """A hub that is there, and has no answer; what it was asked."""
    handler = type("Handler", (Overloaded,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub_access, "_silent_since", hub_access._silent_since)
        yield handler
        server.shutdown()
        thread.join()


def test_a_hub_that_does_not_answer_is_left_alone_for_a_while(overloaded, monkeypatch) -> None:
    """Else each trial would wait for it, and for each of its models and data sets."""
    n_asked = []
    for model in MODELS:
        with loading(model) as found:
            assert found.commit is None
            assert constants.HF_HUB_OFFLINE  # while something is loaded
        n_asked.append(overloaded.n_asked)
    assert 0 < n_asked[0] == n_asked[-1]  # the client tries more than once
    monkeypatch.setattr(hub_access, "_silent_since", -float("inf"))
    with loading(MODELS[0]):
        pass
    assert overloaded.n_asked > n_asked[-1]
