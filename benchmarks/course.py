"""Windows as public courses on question answering make them, to be compared with."""

from typing import Any

from transformers import PreTrainedTokenizerBase


def label_windows(
    rows: dict[str, list], tokenizer: PreTrainedTokenizerBase, max_length: int, doc_stride: int
) -> Any:
    """Windows of the full length, and the answer's tokens, found one window after the other."""
    encoded = tokenizer(
        [question.strip() for question in rows["question"]],
        rows["context"],
        max_length=max_length,
        stride=doc_stride,
        truncation="only_second",
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding="max_length",
    )
    offsets, samples = encoded.pop("offset_mapping"), encoded.pop("overflow_to_sample_mapping")
    labels = [
        find_labels(offsets[window], encoded.sequence_ids(window), rows["answers"][sample])
        for window, sample in enumerate(samples)
    ]
    encoded["start_positions"] = [start for start, _ in labels]
    encoded["end_positions"] = [end for _, end in labels]
    return encoded


def find_labels(
    offsets: list[tuple[int, int]], sequence: list[int | None], answers: dict[str, list]
) -> tuple[int, int]:
    if not answers["text"]:
        return 0, 0
    start_char = answers["answer_start"][0]
    end_char = start_char + len(answers["text"][0])
    first = 0
    while sequence[first] != 1:
        first += 1
    last = first
    while sequence[last] == 1:
        last += 1
    last -= 1
    if offsets[first][0] > start_char or offsets[last][1] < end_char:
        return 0, 0
    start = first
    while start <= last and offsets[start][0] <= start_char:
        start += 1
    end = last
    while end >= first and offsets[end][1] >= end_char:
        end -= 1
    return start - 1, end + 1
