"""Extractive question answering as public tutorials teach it, on today's libraries: the reference.

Windows padded to their full length by `datasets.map`, the default collator, the Trainer with its
defaults, Aim's own callback, and a loop over the n-best for the answers.

    python benchmarks/tutorial.py --model FOLDER --train train.json --eval eval.json --to FOLDER
    python benchmarks/tutorial.py --model … --grid    # the six points, each a process of its own

Data are in SQuAD's JSON. What was found is in `result.json` in the folder of a run; its checkpoints
and its model are beside that, and `.aim` is where the command was given.
"""

import argparse
import json
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # takes seconds to import
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments

STARTED = time.perf_counter()
BATCH_SIZES, LEARNING_RATES = (16, 32), (0.004, 0.0004, 0.00004)  # of the grid
DOC_STRIDE = 128


def main() -> None:
    options = read_options()
    points = list(product(options.batch_size, options.learning_rate))
    if len(points) == 1:
        run(options)
        return
    for number, (batch_size, learning_rate) in enumerate(points):
        point = ["--batch-size", batch_size, "--learning-rate", learning_rate]
        start_process(options, [*point, "--to", options.to / str(number)])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", required=True, help="folder in Hugging Face's format, or a name on its hub")
    add("--train", type=Path, required=True)
    add("--eval", type=Path, required=True)
    add("--to", type=Path, default=Path("tutorial"), help="folder for what comes of it")
    add("--grid", action="store_true", help="batches of 16 and 32, three learning rates")
    add("--batch-size", type=int, nargs="+", default=[16], help="several make a grid")
    add("--learning-rate", type=float, nargs="+", default=[5e-5], help="several make a grid")
    add("--epochs", type=float, default=3.0)
    add("--seed", type=int, default=42)
    add("--max-length", type=int, default=384, help="tokens to which each window is padded")
    add("--doc-stride", type=int, default=DOC_STRIDE, help="tokens that windows share")
    add("--warmup", type=float, default=0.0, help="steps; below 1: their share")
    add("--weight-decay", type=float, default=0.0)
    options = parser.parse_args()
    if options.grid:
        options.batch_size, options.learning_rate = list(BATCH_SIZES), list(LEARNING_RATES)
    return options


def start_process(options: argparse.Namespace, changed: list[Any]) -> None:
    """Run one point of the grid, given as arguments, in a new process, and wait for it."""
    own = {"grid", "batch_size", "learning_rate", "to"}
    same = [
        text
        for name, value in vars(options).items()
        if name not in own
        for text in (f"--{name.replace('_', '-')}", value)
    ]
    command = [str(text) for text in (sys.executable, __file__, *same, *changed)]
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        sys.exit(code)


def run(options: argparse.Namespace) -> None:
    """One training from start to end."""
    import transformers
    from aim.hugging_face import AimCallback
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, Trainer

    transformers.set_seed(options.seed)  # of the head, which no checkpoint has
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForQuestionAnswering.from_pretrained(options.model)
    mark_overlap = getattr(model.config, "mark_overlap", False)
    train, held_out, rows = prepare(options, tokenizer, mark_overlap)
    trainer = Trainer(
        model=model,
        args=arguments(options),
        train_dataset=train,
        eval_dataset=held_out,
        processing_class=tokenizer,
        data_collator=transformers.default_data_collator,
        # What it logs of the system needs a package that is no longer there.
        callbacks=[AimCallback(repo=".", experiment="tutorial", log_system_params=False)],
    )
    before_training = time.perf_counter()
    trainer.train()
    train_s = time.perf_counter() - before_training
    found = evaluate(trainer, held_out, rows)
    trainer.save_model(str(options.to / "model"))
    write_result(options, trainer, {**found, "n_windows": len(train), "train_s": train_s})


def prepare(
    options: argparse.Namespace, tokenizer: "PreTrainedTokenizerBase", mark_overlap: bool
) -> tuple["Dataset", "Dataset", "Dataset"]:
    """Windows to train on, windows to evaluate on, and the questions of these."""
    from course import answer_windows, label_windows

    settings = {
        "tokenizer": tokenizer,
        "max_length": options.max_length,
        "doc_stride": options.doc_stride,
        "mark_overlap": mark_overlap,
    }
    splits = [read_rows(path) for path in (options.train, options.eval)]
    train, held_out = (
        rows.map(function, fn_kwargs=settings, batched=True, remove_columns=rows.column_names)
        for rows, function in zip(splits, (label_windows, answer_windows), strict=True)
    )
    return train, held_out, splits[1]


def read_rows(path: Path) -> "Dataset":
    """The questions of a file in SQuAD's JSON, a row each."""
    from course import flatten
    from datasets import load_dataset

    articles = load_dataset("json", data_files=str(path), field="data", split="train")
    return articles.map(flatten, batched=True, remove_columns=articles.column_names)


def arguments(options: argparse.Namespace) -> "TrainingArguments":
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(options.to / "checkpoints"),
        learning_rate=options.learning_rate[0],
        per_device_train_batch_size=options.batch_size[0],
        num_train_epochs=options.epochs,
        warmup_steps=options.warmup,
        weight_decay=options.weight_decay,
        seed=options.seed,
        eval_strategy="epoch",
    )


def evaluate(trainer: "Trainer", windows: "Dataset", rows: "Dataset") -> dict[str, float]:
    """Exact match and F1 of the model as it is at the end."""
    from course import best_texts

    from qa_sweep.qa.scores import score

    start_logits, end_logits = trainer.predict(windows).predictions
    texts = best_texts(rows, windows, start_logits, end_logits)
    scores = score(texts, {row["id"]: row["answers"]["text"] for row in rows})
    return {"exact_match": scores.exact_match, "f1": scores.f1}


def write_result(options: argparse.Namespace, trainer: "Trainer", found: dict[str, float]) -> None:
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    result = {
        "batch_size": options.batch_size[0],
        "learning_rate": options.learning_rate[0],
        **found,
        "loss": losses[-1],  # of the last evaluation
        "n_steps": trainer.state.global_step,
        "seconds": time.perf_counter() - STARTED,
    }
    (options.to / "result.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
