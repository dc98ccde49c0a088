"""Problem: the same work in the words of both sides, ours and the tutorial's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_sweep.config import PretrainedModel, RunConfig, TinyModel
from qa_sweep.data import Splits, load_examples
from speed_parts.settings import compose
from speed_parts.squad_json import write_squad

POSITIONS = "embed_positions"  # in the names of tables that are computed, not learnt


@dataclass(frozen=True)
class Grid:
    """The points that are trained, each once."""

    batch_sizes: Sequence[int]
    learning_rates: Sequence[float]

    @property
    def size(self) -> int:
        return len(self.batch_sizes) * len(self.learning_rates)


@dataclass(frozen=True)
class Problem:
    """What is trained, and on what.

    `model`, `train` and `eval` are what the tutorial is given, which pads to `max_length` tokens;
    `arguments` are what our command is given. `config` is what both have in common.
    """

    config: RunConfig
    grid: Grid
    arguments: tuple[str, ...]
    model: str
    train: Path
    eval: Path
    max_length: int


def embedded_problem(
    overrides: Sequence[str], grid: Grid, max_length: int, folder: Path
) -> Problem:
    """The embedded data and model, exported to `folder`; `grid` is that of a plain sweep."""
    config = compose(overrides)
    splits = load_examples(config.data)
    assert isinstance(config.model, TinyModel)
    model = _export_model(config, splits, max_length, folder / "model")
    train, held_out = _export_data(splits, folder)
    return Problem(config, grid, ("-m", *overrides), model, train, held_out, max_length)


def text_problem(
    source: Sequence[str], settings: Sequence[str], grid: Grid, folder: Path
) -> Problem:
    """Local data and a pretrained model; both sides read the files that are written to `folder`.

    `source` are the settings that say which examples are taken, `settings` are all others.
    """
    splits = load_examples(compose([*source, *settings]).data)
    train, held_out = _export_data(splits, folder)
    overrides = ("data=local", f"data.path='{train}'", f"data.eval_path='{held_out}'", *settings)
    config = compose(overrides)
    assert isinstance(config.model, PretrainedModel)
    path, max_length = config.model.path, config.data.max_length
    arguments = (*_params(grid), *overrides)
    return Problem(config, grid, arguments, path, train, held_out, max_length)


def _params(grid: Grid) -> list[str]:
    batch_sizes = ",".join(map(str, grid.batch_sizes))
    learning_rates = ",".join(map(str, grid.learning_rates))
    params = [f"trainer.batch_size={batch_sizes}", f"trainer.learning_rate={learning_rates}"]
    return params if grid.size == 1 else ["-m", "sweeps=none", *params]


def _export_data(splits: Splits, folder: Path) -> tuple[Path, Path]:
    paths = folder / "train.json", folder / "eval.json"
    for path, examples in zip(paths, (splits.train, splits.eval), strict=True):
        write_squad(path, examples)
    return paths


def _export_model(config: RunConfig, splits: Splits, max_length: int, folder: Path) -> str:
    """The reader that each of our runs begins with, with room for windows of `max_length`."""
    from qa_sweep.model import make_reader, make_tokenizer  # takes seconds

    texts = [text for example in splits.train for text in (example.question, example.context)]
    length = max(max_length, config.data.max_length)
    tokenizer = make_tokenizer(config.model, texts, length)
    ours = make_reader(config.model, tokenizer, config.data.max_length, config.seed)
    longer = make_reader(config.model, tokenizer, length, config.seed)
    # A longer table of positions takes more random numbers, and all weights after it get others.
    weights = ours.model.state_dict()
    longer.model.load_state_dict(
        {name: tensor for name, tensor in weights.items() if POSITIONS not in name}, strict=False
    )
    longer.save(folder)
    return str(folder)
