"""The embedded data: what must hold of every example, and what the settings change."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import yaml

from qa_sweep.config import EmbeddedData
from qa_sweep.data.embedded import generate
from qa_sweep.data.embedded_text import FILLERS, NAMES, RELATIONS, TOWNS, Relation, people_pools
from qa_sweep.errors import ConfigError
from qa_sweep.qa.example import Example, check_example

SMALL = EmbeddedData(n_train=300, n_eval=100)


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Example]]:
    return generate(SMALL)


@pytest.fixture(scope="module")
def examples(splits: dict[str, list[Example]]) -> list[Example]:
    return splits["train"] + splits["eval"]


def people_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text)) & set(NAMES)


def relation_of(example: Example) -> Relation:
    return next(relation for relation in RELATIONS if relation.name == example.title)


def tellings(relation: Relation, sentence: str) -> list[dict[str, str]]:
    """Person and value for each template of `relation` that `sentence` follows."""
    found = []
    for template in relation.statements:
        pattern = re.escape(template).replace(r"\{person\}", r"(?P<person>\w+)")
        match = re.fullmatch(pattern.replace(r"\{value\}", r"(?P<value>[\w ]+)"), sentence)
        if match and match["value"] in relation.values:
            found.append(match.groupdict())
    return found


def facts_of(context: str) -> list[tuple[str, str, str]]:
    """(person, relation, value) of every sentence that is not filler."""
    sentences = [part if part.endswith(".") else f"{part}." for part in context.split(". ")]
    return [
        (told["person"], relation.name, told["value"])
        for sentence in sentences
        for relation in RELATIONS
        for told in tellings(relation, sentence)
    ]


def test_answers_stand_at_their_offsets(examples: list[Example]) -> None:
    for example in examples:
        (reference,) = example.references
        assert example.context[reference.start : reference.end] == reference.text


def test_every_example_passes_the_check(examples: list[Example]) -> None:
    for example in examples:
        assert check_example(example, "embedded") is example


def test_the_answer_stands_once_in_its_context(examples: list[Example]) -> None:
    for example in examples:
        assert example.context.count(example.references[0].text) == 1


def test_asked_relation_is_told_of_two_or_three_people(examples: list[Example]) -> None:
    for example in examples:
        people = {person for person, name, _ in facts_of(example.context) if name == example.title}
        assert people_of(example.question) <= people
        assert 2 <= len(people) <= 3


def test_asked_person_has_another_fact(examples: list[Example]) -> None:
    for example in examples:
        (asked,) = people_of(example.question)
        relations = {name for person, name, _ in facts_of(example.context) if person == asked}
        assert relations > {example.title}


def test_person_and_relation_together_tell_the_answer(examples: list[Example]) -> None:
    for example in examples:
        (asked,) = people_of(example.question)
        told = {
            value
            for p, name, value in facts_of(example.context)
            if (p, name) == (asked, example.title)
        }
        assert told == {example.references[0].text}


def test_sizes_keep_to_the_settings(examples: list[Example]) -> None:
    for example in examples:
        assert SMALL.min_facts <= len(facts_of(example.context)) <= SMALL.max_facts
        assert SMALL.min_people <= len(people_of(example.context)) <= SMALL.max_people


def test_train_and_eval_share_no_person(splits: dict[str, list[Example]]) -> None:
    train, held_out = (
        set.union(*(people_of(example.context) for example in splits[split]))
        for split in ("train", "eval")
    )
    assert train
    assert held_out
    assert not train & held_out


def test_all_relations_templates_and_fillers_occur() -> None:
    examples = generate(EmbeddedData(n_train=1500, n_eval=1))["train"]
    assert {example.title for example in examples} == {relation.name for relation in RELATIONS}
    text = " ".join(example.context for example in examples)
    assert all(filler in text for filler in FILLERS)
    for relation in RELATIONS:
        questions = {
            example.question.replace(people_of(example.question).pop(), "{person}")
            for example in examples
            if example.title == relation.name
        }
        assert questions == set(relation.questions)


def test_ids_are_stable_and_unique(splits: dict[str, list[Example]]) -> None:
    assert splits["train"][17].id == "embedded-train-00017"
    assert splits["eval"][0].id == "embedded-eval-00000"
    ids = [example.id for split in splits.values() for example in split]
    assert len(set(ids)) == len(ids) == SMALL.n_train + SMALL.n_eval


def test_same_seed_gives_the_same_examples(splits: dict[str, list[Example]]) -> None:
    assert generate(SMALL) == splits


def test_another_seed_gives_other_examples(splits: dict[str, list[Example]]) -> None:
    other = generate(EmbeddedData(n_train=300, n_eval=100, seed=1))
    contexts = {example.context for example in splits["train"]}
    assert not contexts & {example.context for example in other["train"]}


def test_more_examples_leave_the_first_ones_as_they_are(splits: dict[str, list[Example]]) -> None:
    assert generate(EmbeddedData(n_train=320, n_eval=100))["train"][:300] == splits["train"]


def test_examples_do_not_depend_on_the_hash_seed(splits: dict[str, list[Example]]) -> None:
    code = (
        "import hashlib; from qa_sweep.config import EmbeddedData;"
        "from qa_sweep.data.embedded import generate;"
        "splits = generate(EmbeddedData(n_train=300, n_eval=100));"
        "print(hashlib.sha256(repr(splits).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == hashlib.sha256(repr(splits).encode()).hexdigest()


def test_fewer_relations_ask_for_fewer() -> None:
    examples = generate(EmbeddedData(n_train=200, n_eval=1, n_relations=2))["train"]
    assert {example.title for example in examples} == {relation.name for relation in RELATIONS[:2]}


def test_more_facts_make_longer_contexts(splits: dict[str, list[Example]]) -> None:
    settings = EmbeddedData(n_train=100, n_eval=1, min_facts=9, max_facts=12, max_people=6)
    longer = generate(settings)["train"]
    assert min(len(facts_of(example.context)) for example in longer) >= 9
    shortest = min(len(example.context) for example in longer)
    assert shortest > max(len(example.context) for example in splits["train"]) / 2


@pytest.mark.parametrize(
    "settings",
    [
        {"min_people": 2, "max_people": 2, "min_facts": 3, "max_facts": 3},
        {"min_people": 2, "max_people": 2, "min_facts": 3, "max_facts": 50, "n_relations": 2},
        {"min_people": 4, "max_people": 4, "min_facts": 3, "max_facts": 5},
        {"min_people": 20, "max_people": 20, "min_facts": 100, "max_facts": 160},
    ],
)
def test_ranges_at_their_ends_give_examples(settings: dict[str, Any]) -> None:
    config = replace(EmbeddedData(n_train=20, n_eval=20), **settings)
    for example in [one for split in generate(config).values() for one in split]:
        check_example(example, "embedded")
        assert settings["min_people"] <= len(people_of(example.context)) <= settings["max_people"]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"max_people": 21}, "data.max_people"),
        ({"min_people": 5, "max_people": 6}, "data.max_facts"),
        ({"max_people": 2, "n_relations": 2, "min_facts": 5}, "data.min_facts"),
    ],
)
def test_impossible_ranges_are_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}"):
        generate(replace(EmbeddedData(n_train=1, n_eval=1), **settings))


HIGHEST_MAX_PEOPLE = 20  # what the settings allow


def test_every_relation_can_be_told_of_as_many_people_as_allowed() -> None:
    for relation in RELATIONS:
        assert len(set(relation.values)) == len(relation.values) >= HIGHEST_MAX_PEOPLE
        assert len(relation.statements) == len(relation.questions) == 4
    assert len(TOWNS) >= 2 * HIGHEST_MAX_PEOPLE  # birthplaces and homes
    for pool in people_pools():
        assert len({name[:2] for name in pool}) >= HIGHEST_MAX_PEOPLE


def test_values_after_an_article_start_with_a_consonant() -> None:
    for relation in RELATIONS:
        if any(re.search(r"\b[Aa] {value}", statement) for statement in relation.statements):
            assert not [value for value in relation.values if value[0] in "aeiou"]


def test_question_set_asks_about_people_of_the_eval_pool(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / "conf" / "questions" / "embedded.yaml"
    items = yaml.safe_load(path.read_text(encoding="utf-8"))["items"]
    _, eval_people = people_pools()
    assert len(items) == 5
    for item in items:
        assert item["reference"] in item["context"]
        assert people_of(item["question"]) <= people_of(item["context"]) <= set(eval_people)
