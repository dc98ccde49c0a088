"""The embedded data: reading comprehension about invented people, generated from a seed.

A passage tells a few facts about a few people, and one of the facts is asked for. The asked
relation is told of two or three people and the asked person has a fact of another relation too, so
neither the person nor the relation alone finds the answer. The splits share no person.
"""

import random
from dataclasses import dataclass

from qa_sweep.config import EmbeddedData
from qa_sweep.data.embedded_text import FILLERS, RELATIONS, Relation, people_pools
from qa_sweep.qa.example import Example, Reference

MAX_SAME_RELATION = 3  # people of whom the asked relation is told
MAX_FILLERS = 2  # sentences about nobody in a passage


@dataclass(frozen=True, slots=True)
class Fact:
    """`relation` holds between `person` and `value`."""

    person: str
    relation: Relation
    value: str


def generate(config: EmbeddedData) -> dict[str, list[Example]]:
    """Return the splits "train" and "eval", the same for the same settings on every machine."""
    train_people, eval_people = people_pools()
    return {
        "train": _split(config, "train", config.n_train, train_people),
        "eval": _split(config, "eval", config.n_eval, eval_people),
    }


def _split(config: EmbeddedData, split: str, n_examples: int, people: list[str]) -> list[Example]:
    # A string seeds through SHA-512, which PYTHONHASHSEED does not touch.
    rng = random.Random(f"qa_sweep embedded {split} {config.seed}")
    return [
        _example(rng, config, f"embedded-{split}-{number:05d}", people)
        for number in range(n_examples)
    ]


def _example(rng: random.Random, config: EmbeddedData, id: str, people: list[str]) -> Example:
    n_facts, n_people = _sizes(rng, config)
    pairs = _pairs(rng, _people(rng, people, n_people), RELATIONS[: config.n_relations], n_facts)
    facts = _with_values(rng, pairs)
    context, start = _passage(rng, facts)
    asked = facts[0]
    question = rng.choice(asked.relation.questions).replace("{person}", asked.person)
    references = (Reference(asked.value, start),)
    return Example(id, question, context, references, title=asked.relation.name)


def _people(rng: random.Random, pool: list[str], n_people: int) -> list[str]:
    """Draw names that begin differently, as an author would choose them."""
    people: dict[str, str] = {}
    while len(people) < n_people:
        name = rng.choice(pool)
        people.setdefault(name[:2], name)
    return list(people.values())


def _sizes(rng: random.Random, config: EmbeddedData) -> tuple[int, int]:
    """Numbers of facts and of people such that each person has a fact and the asked one two."""
    n_facts = rng.randint(
        max(config.min_facts, config.min_people + 1),
        min(config.max_facts, config.max_people * config.n_relations),
    )
    n_needed = -(-n_facts // config.n_relations)
    n_people = rng.randint(max(config.min_people, n_needed), min(config.max_people, n_facts - 1))
    return n_facts, n_people


def _pairs(
    rng: random.Random, people: list[str], relations: tuple[Relation, ...], n_facts: int
) -> list[tuple[str, Relation]]:
    """Who has a fact of which relation; the first pair is the asked one."""
    asked = rng.choice(relations)
    others = [relation for relation in relations if relation is not asked]
    n_same = rng.randint(2, min(MAX_SAME_RELATION, len(people)))
    pairs = [(person, asked) for person in people[:n_same]]
    pairs += [(person, rng.choice(others)) for person in (people[0], *people[n_same:])]
    return pairs + _further_pairs(rng, people, others, asked, pairs)[: n_facts - len(pairs)]


def _further_pairs(
    rng: random.Random,
    people: list[str],
    others: list[Relation],
    asked: Relation,
    taken: list[tuple[str, Relation]],
) -> list[tuple[str, Relation]]:
    """All pairs that are not taken, in random order, those of the asked relation last."""
    free = [(person, relation) for person in people for relation in others]
    rng.shuffle(free)
    free += [(person, asked) for person in people]
    return [pair for pair in free if pair not in taken]


def _with_values(rng: random.Random, pairs: list[tuple[str, Relation]]) -> list[Fact]:
    """Give each pair a value of its own, so that the answer stands in the passage once."""
    used: set[str] = set()
    facts = []
    for person, relation in pairs:
        value = rng.choice(relation.values)
        while value in used:
            value = rng.choice(relation.values)
        used.add(value)
        facts.append(Fact(person, relation, value))
    return facts


def _passage(rng: random.Random, facts: list[Fact]) -> tuple[str, int]:
    """Tell `facts` and some filler in random order; also return where the first one's value is."""
    asked_sentence, offset = _tell(rng, facts[0])
    sentences = [_tell(rng, fact)[0] for fact in facts[1:]]
    sentences += rng.sample(FILLERS, rng.randint(0, MAX_FILLERS))
    rng.shuffle(sentences)
    place = rng.randint(0, len(sentences))
    before = "".join(f"{sentence} " for sentence in sentences[:place])
    return " ".join([*sentences[:place], asked_sentence, *sentences[place:]]), len(before) + offset


def _tell(rng: random.Random, fact: Fact) -> tuple[str, int]:
    """One sentence that tells `fact`, and the character at which its value starts."""
    before, _, after = (
        rng.choice(fact.relation.statements).replace("{person}", fact.person).partition("{value}")
    )
    return before + fact.value + after, len(before)
