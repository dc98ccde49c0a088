"""What a study is known by, and what two of them differ in."""

import pytest

from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.space import Space

F1 = (Objective("f1", "maximize"),)
KNOWN = {"a": 1, "b.c": None, "b.d": [2]}


def identity(fixed: dict, ignored: tuple[str, ...] = ()) -> Identity:
    return Identity.of(Space(()), F1, fixed, ignored)


@pytest.mark.parametrize(
    ("fixed", "keys"),
    [
        (KNOWN, []),
        ({**KNOWN, "e": None}, ["e"]),
        ({"a": 1}, ["b.c", "b.d"]),
        ({"a": 1, "b.d": [2], "e": 3}, ["b.c", "e"]),
        ({**KNOWN, "a": 2}, []),
        ({**KNOWN, "a": 2, "e": 3}, []),
    ],
)
def test_settings_that_only_one_knows_are_told_where_nothing_else_differs(fixed, keys) -> None:
    known = identity(KNOWN).as_dict()
    assert identity(fixed).known_to_one(known) == keys


def test_another_space_or_objective_is_no_matter_of_settings() -> None:
    known = identity(KNOWN).as_dict()
    more = {**KNOWN, "e": 3}
    assert Identity({"x": "{}"}, F1, more).known_to_one(known) == []
    assert Identity({}, (Objective("f1", "minimize"),), more).known_to_one(known) == []


def test_what_is_ignored_makes_no_other_study_whatever_it_is_in_the_known_one() -> None:
    one = identity({"a": 1, "b.c": 1, "bc": 1}, ("b", "z"))
    assert one.fixed == {"a": 1, "bc": 1}
    assert one.differences_from(identity({"a": 1, "b.c": 7, "z": 0, "bc": 1}).as_dict()) == []
    assert one.digest == identity({"a": 1, "bc": 1}).digest


def test_a_study_keeps_its_name_from_version_to_version() -> None:
    assert identity(KNOWN).digest == "21a75bf7"
