"""How a model is used, as code for its card that runs as it stands."""

from collections.abc import Iterator
from dataclasses import dataclass

QUESTION = "Who wrote it?"
CONTEXT = "Mary Shelley wrote it in 1818."


@dataclass(frozen=True)
class Usage:
    """What the code must know of a model."""

    path: str  # by which it is loaded: a folder, or a name of the hub
    max_length: int  # tokens of a window
    max_answer_length: int  # tokens
    threshold: float | None  # of "no answer"; None where there always is one
    mark_overlap: bool

    def with_answerer(self) -> str:
        """By this package, which reads long contexts window by window."""
        return f"""\
from qa_sweep import Answerer

answerer = Answerer.of_folder({self.path!r})
answer = answerer.ask({QUESTION!r}, {CONTEXT!r})[0].text
print(answer)
"""

    def with_transformers(self) -> str:
        """By transformers alone, for a context that fits into one window."""
        return "\n".join([*self._input(), *self._overlap(), *self._output(), *self._nothing(), ""])

    def _input(self) -> Iterator[str]:
        yield f"""\
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

path = {self.path!r}
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForQuestionAnswering.from_pretrained(path)

question = {QUESTION!r}
context = {CONTEXT!r}
inputs = tokenizer(
    question,
    context,
    truncation="only_second",
    max_length={self.max_length},
    return_offsets_mapping=True,
    return_tensors="pt",
)
characters = inputs.pop("offset_mapping")[0].tolist()
parts = inputs.sequence_ids(0)  # 0: question, 1: context
in_context = torch.tensor([part == 1 for part in parts])"""

    def _overlap(self) -> Iterator[str]:
        if self.mark_overlap:
            yield """
# A context token that occurs in the question has a token type of its own.
ids = inputs["input_ids"][0]
in_question = torch.isin(ids, ids[torch.tensor([part == 0 for part in parts])])
in_question &= ids != tokenizer.unk_token_id
inputs["token_type_ids"][0] += in_context & in_question"""

    def _output(self) -> Iterator[str]:
        yield f"""
with torch.inference_mode():
    output = model(**inputs)
scores = output.start_logits[0][:, None] + output.end_logits[0][None, :]
is_span = torch.ones_like(scores).bool().triu().tril({self.max_answer_length - 1})
is_span &= in_context[:, None] & in_context[None, :]
start, end = divmod(int(scores.masked_fill(~is_span, -torch.inf).argmax()), len(characters))
answer = context[characters[start][0] : characters[end][1]].strip()"""

    def _nothing(self) -> Iterator[str]:
        if self.threshold is not None:
            yield f"""\
cls = inputs["input_ids"][0].tolist().index(tokenizer.cls_token_id)
if scores[cls, cls] - scores[start, end] > {self.threshold!r}:
    answer = ""  # the context does not say"""
        yield "print(answer)"
