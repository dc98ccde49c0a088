"""A new study is told of an earlier one that an upgrade alone parts it from."""

import re
import shlex
from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage

from qa_sweep.errors import StudyError
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import FORMAT, open_study
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.twin import describe_twin

SPACE = {"x": "{}"}
WORDS = ["-m", "x=1,2", "hydra.sweeper.ignored_settings=[as_pid]"]
BROUGHT = "+brought.by=1"  # a setting that an upgrade brings


def identity(fixed: dict, ignored: tuple[str, ...] = ()) -> Identity:
    return Identity(SPACE, (Objective("f1", "maximize"),), fixed, ignored)


@pytest.fixture
def storage() -> StudyStorage:
    """As on a server: locks are studies, too."""
    return StudyStorage(InMemoryStorage(), None)


def names_in(folder: Path) -> list[str]:
    return optuna.get_all_study_names(f"sqlite:///{folder}/results/studies.db")


def test_after_an_upgrade_the_earlier_study_goes_on_as_the_sweep_says(parabola, tmp_path) -> None:
    assert parabola(*WORDS).returncode == 0
    (earlier,) = names_in(tmp_path)
    begun = parabola(*WORDS, BROUGHT)
    assert begun.returncode == 0, begun.stderr
    assert len(names_in(tmp_path)) == 2
    (line,) = re.findall(r"^study .* is like this one .*$", begun.stdout, re.MULTILINE)
    assert f"study {earlier} is like this one but for settings that only one of them" in line
    assert "has (brought.by)" in line

    further = shlex.split(line.partition("that one: ")[2])
    gone_on = parabola(*WORDS[:2], BROUGHT, *further)
    assert gone_on.returncode == 0, gone_on.stderr
    assert f"in results/{earlier}/1" in gone_on.stdout
    assert "is like this one" not in gone_on.stdout
    assert len(names_in(tmp_path)) == 2
    study = optuna.load_study(
        study_name=earlier, storage=f"sqlite:///{tmp_path}/results/studies.db"
    )
    assert len(study.trials) == 2, "nothing was missing"


def test_the_latest_of_several_twins_is_named(storage) -> None:
    for name, fixed in (("a-1", {"n": 1}), ("a-2", {"n": 1, "b": 2}), ("a-3", {"n": 2})):
        open_study(storage, name, identity(fixed))
    twin = describe_twin(storage, "a-4", identity({"n": 1, "c": 3}, ("d",)))
    assert twin is not None
    assert "study a-2 is like this one" in twin
    assert "(b, c)" in twin
    assert twin.endswith("hydra.sweeper.study_name=a-2 'hydra.sweeper.ignored_settings=[d,b,c]'")


@pytest.mark.parametrize(
    ("name", "fixed"),
    [("a-1", {"n": 2}), ("b-1", {"n": 1, "b": 2}), ("a-b-1", {"n": 1, "b": 2})],
)
def test_a_study_of_other_values_or_another_prefix_is_no_twin(storage, name, fixed) -> None:
    open_study(storage, name, identity(fixed))
    assert describe_twin(storage, "a-2", identity({"n": 1})) is None


def test_studies_of_later_versions_of_others_and_of_locks_are_passed_by(storage) -> None:
    open_study(storage, "a-1", identity({"n": 1})).set_user_attr("format", FORMAT + 1)
    for name in ("a-2", "a-3.lock"):
        optuna.create_study(study_name=name, storage=storage.backend)
    assert describe_twin(storage, "a-4", identity({"n": 1, "b": 2})) is None


def test_a_named_study_that_knows_less_is_refused_with_the_words_that_go_on_with_it(
    storage,
) -> None:
    open_study(storage, "mine", identity({"n": 1, "gone": 3}))
    wanted = {"n": 1, "content of data.path": ["f00"]}
    with pytest.raises(StudyError, match="where these change no result") as caught:
        open_study(storage, "mine", identity(wanted, ("d",)))
    (words,) = re.findall(r"'hydra\.sweeper\.ignored_settings=\[(.*)\]'", str(caught.value))
    ignored = tuple(words.replace("\\ ", " ").split(","))
    assert ignored == ("d", "gone", "content of data.path")
    assert open_study(storage, "mine", identity(wanted, ignored)).study_name == "mine"
