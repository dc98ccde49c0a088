"""Windows and answers as public courses on question answering make them, to be compared with."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # takes seconds to import
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

N_BEST, MAX_ANSWER_LENGTH = 20, 30

Offsets = list[tuple[int, int]]


def flatten(articles: dict[str, list]) -> dict[str, list]:
    """The questions of SQuAD's JSON, a row each."""
    rows: dict[str, list] = {"id": [], "question": [], "context": [], "answers": []}
    for paragraphs in articles["paragraphs"]:
        for paragraph in paragraphs:
            for question in paragraph["qas"]:
                rows["id"].append(question["id"])
                rows["question"].append(question["question"])
                rows["context"].append(paragraph["context"])
                rows["answers"].append(
                    {
                        "text": [answer["text"] for answer in question["answers"]],
                        "answer_start": [answer["answer_start"] for answer in question["answers"]],
                    }
                )
    return rows


def label_windows(
    rows: dict[str, list],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    doc_stride: int,
    mark_overlap: bool = False,
) -> Any:
    """Windows of the full length, and the answer's tokens, found one window after the other."""
    encoded = _encode(rows, tokenizer, max_length, doc_stride, mark_overlap)
    del encoded["offset_mapping"], encoded["overflow_to_sample_mapping"]
    return encoded


def answer_windows(
    rows: dict[str, list],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    doc_stride: int,
    mark_overlap: bool = False,
) -> Any:
    """The same, with what `best_texts` needs; offsets outside the context are None."""
    encoded = _encode(rows, tokenizer, max_length, doc_stride, mark_overlap)
    samples = encoded.pop("overflow_to_sample_mapping")
    encoded["example_id"] = [rows["id"][sample] for sample in samples]
    encoded["offset_mapping"] = [
        [
            pair if part == 1 else None
            for pair, part in zip(offsets, encoded.sequence_ids(window), strict=True)
        ]
        for window, offsets in enumerate(encoded["offset_mapping"])
    ]
    return encoded


def best_texts(
    rows: "Dataset", windows: "Dataset", start_logits: np.ndarray, end_logits: np.ndarray
) -> dict[str, str]:
    """The best answer to each question; the logits are (n_windows, max_length)."""
    windows_of = defaultdict(list)
    for window, example in enumerate(windows["example_id"]):
        windows_of[example].append(window)
    texts = {}
    for row in rows:
        spans = [
            span
            for window in windows_of[row["id"]]
            for span in _spans(
                start_logits[window], end_logits[window], windows[window]["offset_mapping"]
            )
        ]
        _, first, last = max(spans, default=(0.0, 0, 0))
        texts[row["id"]] = row["context"][first:last]
    return texts


def _encode(
    rows: dict[str, list],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    doc_stride: int,
    mark_overlap: bool,
) -> Any:
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
    if mark_overlap:
        _mark_overlap(encoded, tokenizer)
    labels = [
        find_labels(
            encoded["offset_mapping"][window], encoded.sequence_ids(window), rows["answers"][sample]
        )
        for window, sample in enumerate(encoded["overflow_to_sample_mapping"])
    ]
    encoded["start_positions"] = [start for start, _ in labels]
    encoded["end_positions"] = [end for _, end in labels]
    return encoded


def _mark_overlap(encoded: Any, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Add 1 to the token type of each context token that occurs in the question."""
    special = set(tokenizer.all_special_ids)
    for window, (ids, types) in enumerate(
        zip(encoded["input_ids"], encoded["token_type_ids"], strict=True)
    ):
        parts = encoded.sequence_ids(window)
        asked = {token for token, part in zip(ids, parts, strict=True) if part == 0} - special
        for place, part in enumerate(parts):
            if part == 1 and ids[place] in asked:
                types[place] += 1


def find_labels(
    offsets: Offsets, sequence: list[int | None], answers: dict[str, list]
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


def _spans(
    starts: np.ndarray, ends: np.ndarray, offsets: Sequence[Sequence[int] | None]
) -> Iterator[tuple[float, int, int]]:
    """Scores and characters of the best starts with the best ends of a window."""
    best_starts = np.argsort(starts)[: -N_BEST - 1 : -1].tolist()
    best_ends = np.argsort(ends)[: -N_BEST - 1 : -1].tolist()
    for start in best_starts:
        for end in best_ends:
            if offsets[start] is None or offsets[end] is None:
                continue
            if end < start or end - start + 1 > MAX_ANSWER_LENGTH:
                continue
            yield starts[start] + ends[end], offsets[start][0], offsets[end][1]
