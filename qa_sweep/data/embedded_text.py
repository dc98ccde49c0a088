"""The wording of the embedded data: names, relations with their templates and values, filler.

Every sentence here was written for this project. In a statement `{person}` and `{value}` stand
once each. The article is the template's, so every value that follows "a" starts with a consonant.
"""

import random
from dataclasses import dataclass
from itertools import product

EVAL_SHARE = 0.25  # share of the names that only the eval split uses


@dataclass(frozen=True, slots=True)
class Relation:
    """A kind of fact: how it is told of a person, how it is asked for, and what it may be."""

    name: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    values: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _joined(firsts: str, seconds: str, between: str = "") -> tuple[str, ...]:
    """Every word of `firsts` before every word of `seconds`."""
    return tuple(between.join(pair) for pair in product(_words(firsts), _words(seconds)))


TOWNS = _joined(
    "Ash Birch Clay Dun Elm Fern Glen Hazel Kirk Long Mill Nor Oak Red Stan Wood",
    "bury dale field ford ham mouth ton wick",
)
NAMES = _joined(
    "Al Bar Bel Cor Dar El Fen Gal Hal Jor Kel Lor Mar Nor Os Per Ral Sel Tam Ul Vel Wen Yor Zan",
    "a ban beth da dric ena gar ia ina is ko la lin mo na o ric sa tan us vin wen",
)

RELATIONS = (
    Relation(
        "birthplace",
        (
            "{person} was born in the town of {value}.",
            "{value} is the birthplace of {person}.",
            "{person} was born and raised in {value}.",
            "{person} comes from {value}.",
        ),
        (
            "Where was {person} born?",
            "In which town was {person} born?",
            "What is the birthplace of {person}?",
            "Where does {person} come from?",
        ),
        TOWNS,
    ),
    Relation(
        "profession",
        (
            "{person} works as a {value}.",
            "{person} is a {value} by profession.",
            "The only {value} in the village is {person}.",
            "{person} makes a living as a {value}.",
        ),
        (
            "What is the profession of {person}?",
            "What does {person} do for a living?",
            "What does {person} work as?",
            "By profession, what is {person}?",
        ),
        _words(
            "baker barber beekeeper carpenter chemist clockmaker cook doctor farmer "
            "fisherman gardener judge lawyer librarian mason miller nurse painter pilot "
            "potter printer sailor shoemaker tailor teacher weaver"
        ),
    ),
    Relation(
        "instrument",
        (
            "{person} plays the {value}.",
            "The {value} is the instrument of {person}.",
            "{person} practises the {value} every day.",
            "{person} has learned to play the {value}.",
        ),
        (
            "What does {person} play?",
            "Which instrument does {person} play?",
            "What is the instrument of {person}?",
            "Which instrument has {person} learned?",
        ),
        _words(
            "accordion bagpipe banjo bassoon cello clarinet cornet drum fiddle flute guitar "
            "harp horn lute mandolin oboe organ piano trombone trumpet tuba viola violin "
            "zither"
        ),
    ),
    Relation(
        "pet",
        (
            "{person} keeps a {value} as a pet.",
            "A {value} belongs to {person}.",
            "{person} has a {value} at home.",
            "{person} takes care of a {value}.",
        ),
        (
            "What pet does {person} have?",
            "Which animal does {person} keep?",
            "What is the pet of {person}?",
            "Which animal belongs to {person}?",
        ),
        _joined("black brown grey small white young", "cat dog goat hen parrot rabbit", " "),
    ),
    Relation(
        "workplace",
        (
            "{person} is employed at the {value}.",
            "The {value} employs {person}.",
            "{person} has a job at the {value}.",
            "{person} was hired by the {value}.",
        ),
        (
            "Where is {person} employed?",
            "Who employs {person}?",
            "Where does {person} have a job?",
            "Who hired {person}?",
        ),
        _joined(
            "Castle Central Garden Harbour Market River", "Bank Hotel Library Museum School", " "
        ),
    ),
    Relation(
        "birth year",
        (
            "{person} was born in the year {value}.",
            "{person} was born in {value}.",
            "The year {value} saw the birth of {person}.",
            "{person} has been alive since {value}.",
        ),
        (
            "When was {person} born?",
            "In which year was {person} born?",
            "What is the birth year of {person}?",
            "Since when has {person} been alive?",
        ),
        tuple(str(year) for year in range(1900, 2000)),
    ),
    Relation(
        "home",
        (
            "{person} now lives in {value}.",
            "{value} is now the home of {person}.",
            "{person} has a house in {value}.",
            "{person} moved to {value} last year.",
        ),
        (
            "Where does {person} live?",
            "In which town does {person} live now?",
            "Where is the home of {person}?",
            "Where has {person} moved to?",
        ),
        TOWNS,
    ),
    Relation(
        "collection",
        (
            "{person} collects {value}.",
            "The {value} on the shelf were collected by {person}.",
            "{person} owns a collection of {value}.",
            "{person} is proud of many {value}.",
        ),
        (
            "What does {person} collect?",
            "What is in the collection of {person}?",
            "Which things does {person} collect?",
            "What has {person} collected?",
        ),
        _joined("glass old painted rare silver wooden", "bells boxes clocks masks spoons", " "),
    ),
)

FILLERS = (
    "The winter was long that year.",
    "It rained for most of the week.",
    "The old bridge was closed again.",
    "Nobody remembers how it all began.",
    "The market opens early in the morning.",
    "A letter arrived late in the evening.",
    "The trains were slow, as they often are.",
    "Everyone met for the summer fair.",
    "The road along the coast is quiet.",
    "There was music until midnight.",
    "The church clock is always a little late.",
    "Most of the neighbours know each other well.",
    "The newspaper wrote about it in spring.",
    "Some of these stories are told every autumn.",
    "The harvest was better than expected.",
    "That night the lights went out twice.",
)


def people_pools() -> tuple[list[str], list[str]]:
    """Names of the train split and names of the eval split, which share none.

    The cut is the same for every seed, so that a question about a person of the eval pool is about
    a name that no embedded train split contains.
    """
    names = sorted(NAMES)
    random.Random("qa_sweep people").shuffle(names)
    n_eval = round(EVAL_SHARE * len(names))
    return names[n_eval:], names[:n_eval]
