"""Text in SQuAD's proportions, of invented words."""

from random import Random

from qa_sweep.qa.example import Example, Reference

QUESTIONS_OF_A_CONTEXT, WORDS_OF_A_CONTEXT, WORDS_OF_A_QUESTION = 5, 120, 10


def generate(n_examples: int, seed: int = 0) -> list[Example]:
    """Return examples of invented words, as frequent as Zipf's law has them."""
    random = Random(seed)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(random.choices(letters, k=random.randint(2, 10))) for _ in range(20_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    examples: list[Example] = []
    while len(examples) < n_examples:
        n_words = int(random.lognormvariate(0, 0.4) * WORDS_OF_A_CONTEXT) + 10
        context = random.choices(words, weights, k=n_words)
        text = " ".join(context)
        for _ in range(QUESTIONS_OF_A_CONTEXT):
            question = " ".join(random.choices(words, weights, k=WORDS_OF_A_QUESTION)) + "?"
            first = random.randrange(n_words)
            answer = " ".join(context[first : first + random.randint(1, 4)])
            start = len(" ".join(context[:first])) + (first > 0)
            reference = Reference(answer, start)
            examples.append(Example(str(len(examples)), question, text, (reference,)))
    return examples[:n_examples]
