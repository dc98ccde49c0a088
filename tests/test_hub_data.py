"""Hub data: splits and columns are checked, and each cause of failure is said in one line."""

import datasets
import pytest
from huggingface_hub.errors import RevisionNotFoundError

from qa_sweep.config import HubData
from qa_sweep.data import load_examples
from qa_sweep.data.hub import load_hub
from qa_sweep.errors import DataError

ROWS = [
    {
        "id": str(i),
        "title": "Ada",
        "context": "Ada wrote it.",
        "question": "Who wrote it?",
        "answers": {"text": ["Ada"], "answer_start": [0]},
    }
    for i in range(5)
]


@pytest.fixture
def hub(monkeypatch):
    """Stand in for the hub: `hub(splits)` or `hub(error)` is what loading gives."""

    def install(result):
        def load_dataset(path, revision):
            if isinstance(result, Exception):
                raise result
            return datasets.DatasetDict(
                {name: datasets.Dataset.from_list(rows) for name, rows in result.items()}
            )

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)

    return install


def caught(config: HubData) -> str:
    with pytest.raises(DataError) as error:
        load_hub(config)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_both_splits_are_read(hub):
    hub({"train": ROWS, "validation": ROWS[:2]})
    loaded = load_hub(HubData(name="x", path="some/set"))
    assert {name: len(examples) for name, examples in loaded.items()} == {"train": 5, "eval": 2}
    assert loaded["train"][0].references[0].text == "Ada"


def test_without_an_eval_split_a_part_of_train_is_held_out(hub):
    hub({"train": ROWS})
    splits = load_examples(HubData(name="x", path="held/out", eval_split=None, holdout=0.4))
    assert (len(splits.train), len(splits.eval)) == (3, 2)


def test_a_missing_split_is_named_with_those_there_are(hub):
    hub({"train": ROWS, "test": ROWS})
    message = caught(HubData(name="x", path="some/set"))
    assert "must have the split 'validation', but has train, test; pass data.eval_split=" in message


def test_missing_columns_are_named(hub):
    hub({"train": [{"id": "1", "context": "c", "text": "t"}]})
    message = caught(HubData(name="x", path="some/set", eval_split=None))
    assert "question, answers is missing among id, context, text" in message


def test_a_broken_row_is_named(hub):
    hub({"train": [ROWS[0], {**ROWS[1], "question": ""}]})
    message = caught(HubData(name="x", path="some/set", eval_split=None))
    assert message.startswith("some/set, train, row 2: question must not be empty")


def not_found(cause: Exception | None = None) -> Exception:
    error = datasets.exceptions.DatasetNotFoundError("no such thing\nmore")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (not_found(), "must exist on the hub and be open to you"),
        (not_found(RevisionNotFoundError.__new__(RevisionNotFoundError)), "must have the revision"),
        (ConnectionError("no route"), "must be in the local cache or the hub be reachable"),
        (RuntimeError("scripts\nare gone"), "cannot be loaded: scripts (RuntimeError)"),
    ],
)
def test_each_cause_of_failure_is_said_in_one_line(hub, error, message):
    hub(error)
    assert message in caught(HubData(name="x", path="some/set"))
