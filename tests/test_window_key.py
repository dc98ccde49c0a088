"""The names of windows in the cache: other ones for whatever makes other windows."""

from dataclasses import replace

import pytest
from qa_helpers import bert_like, byte_level, example
from tokenizer_kinds import bert, deberta, roberta, sentencepiece
from transformers import AutoTokenizer

from qa_sweep.data import set_cleaning
from qa_sweep.data.window_key import tokenizer_key, window_key
from qa_sweep.qa.example import Example, Reference

EXAMPLES = [example("London"), example(None, "Who?"), example("naïve café", "Quel café?")]


def test_what_windows_depend_on_is_in_their_name():
    def key(examples: list[Example] = EXAMPLES, tokenizer: str = "", *settings: int) -> str:
        return window_key(examples, tokenizer, *(settings or (64, 12, False)))

    first, second, third = EXAMPLES
    moved = replace(first, references=(Reference("Ada", 0),))
    # The same characters, cut elsewhere.
    split = replace(first, question=first.question + "x"), replace(second, question="ho?")
    unlike = [
        key(),
        key(tokenizer="another"),
        key(EXAMPLES, "", 65, 12, False),
        key(EXAMPLES, "", 64, 13, False),
        key(EXAMPLES, "", 64, 12, True),
        key(EXAMPLES[:2]),
        key(EXAMPLES[::-1]),
        key([moved, second, third]),
        key([replace(first, references=()), second, third]),
        key([replace(first, context=first.context + "."), second, third]),
        key([replace(first, question="Where?"), second, third]),
        key([*split, third]),
    ]
    assert len(set(unlike)) == len(unlike)
    assert key([replace(first, id="another", title="another"), second, third]) == key()


def test_what_a_tokenizer_does_is_in_its_key():
    tokenizer = bert_like()
    keys = [tokenizer_key(each) for each in (tokenizer, byte_level(), byte_level(False))]
    set_cleaning(tokenizer, True)
    keys.append(tokenizer_key(tokenizer))
    tokenizer.cls_token = "[SEP]"
    keys.append(tokenizer_key(tokenizer))
    tokenizer.backend_tokenizer.normalizer = None
    keys.append(tokenizer_key(tokenizer))
    tokenizer.add_tokens(["Lovelace"])
    keys.append(tokenizer_key(tokenizer))
    assert len(set(keys)) == len(keys)


def test_what_a_tokenizer_was_last_used_for_is_not_in_its_key():
    tokenizer = bert_like()
    key = tokenizer_key(tokenizer)
    tokenizer("Ada", "wrote", padding="max_length", max_length=16, truncation=True)
    assert tokenizer_key(tokenizer) == key


@pytest.mark.parametrize(
    "tokenizer",
    [
        bert(0, True, None, True),
        roberta(0, False, True),
        deberta(0, False, True),
        sentencepiece(0, "first", True),
    ],
    ids=["bert", "roberta", "deberta", "sentencepiece"],
)
def test_a_tokenizer_that_is_loaded_again_has_the_same_key(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    keys = {tokenizer_key(AutoTokenizer.from_pretrained(tmp_path)) for _ in range(3)}
    assert len(keys) == 1
