"""Makes settings.md of what says it first: the dataclasses of `qa_sweep.config`, and `conf/`.

python docs/settings.py
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING as NOTHING
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from qa_sweep.config import KINDS, RunConfig
from qa_sweep.config.missing import MISSING

FOLDER = Path(__file__).parent
PAGE = FOLDER / "settings.md"
CONF = FOLDER.parent / "conf"

INTRO = """\
# Settings

<!-- Made by docs/settings.py; change qa_sweep/config/ or conf/, then `make docs`. -->

What a run can be told, on the command line as `name=value`:

```
python -m qa_sweep trainer.epochs=3 data.limit_train=1000
python -m qa_sweep --cfg job                       # all settings as they are, and no run
```

A name that does not exist, a value of another type or out of its range is refused before anything
starts. Several values (`trainer.batch_size=16,32`), ranges and intervals make a [sweep](sweeps.md)
with `-m`. The settings of the sweep itself are those of [the sweeper](sweeper.md#settings),
`hydra.sweeper.…`.

In the environment, `QA_SWEEP_CACHE=FOLDER` says where windows are kept between runs (`off`:
nowhere), and `HYDRA_FULL_ERROR=1` shows the traceback of an error.
"""
OPTIONS = """\
## Groups

`group=option` takes a file of `conf/`, which sets several settings at once; what is said on the
command line has the last word. A pretrained model brings `trainer=finetune` along, and a data set
its questions.
"""
WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number"}
DECLARED = re.compile(r"^    (\w+): [^#\n]*(?:#\s*(.*))?$", re.MULTILINE)


def page() -> str:
    """The page as it should be."""
    parts = [INTRO, OPTIONS, *map(_group, _groups()), _run(), *_sections()]
    return "\n".join(parts)


def _groups() -> list[Path]:
    """The folders of `conf/`: first those that are sections of a run, in their order."""
    order = {name: number for number, name in enumerate(get_type_hints(RunConfig))}
    folders = sorted(path for path in CONF.iterdir() if path.is_dir())
    return sorted(folders, key=lambda path: order.get(path.name, len(order)))


def _group(folder: Path) -> str:
    """The options of a group: what each is, and which settings it sets."""
    chosen = _chosen()
    rows = []
    for path in sorted(folder.glob("*.yaml")):
        option = f"`{folder.name}={path.stem}`"
        is_default = chosen.get(folder.name) == path.stem
        sets = [f"`{name}={value}`" for name, value in _flat(_content(path), _prefix(path))]
        rows.append((option + " (default)" * is_default, _summary(path), " ".join(sets)))
    return f"### {folder.name}\n\n" + _table(("option", "what it is", "it sets"), rows)


def _chosen() -> dict[str, str]:
    """The option of each group that `conf/config.yaml` takes."""
    entries = yaml.safe_load((CONF / "config.yaml").read_text())["defaults"]
    return {
        group: option
        for entry in entries
        if isinstance(entry, dict)
        for group, option in entry.items()
    }


def _summary(path: Path) -> str:
    """The first comment of a file, but for the one that is read by Hydra."""
    comments = re.findall(r"^# (?!@package)(.*)$", path.read_text(), re.MULTILINE)
    return comments[0]


def _content(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text()) or {}
    return {name: value for name, value in content.items() if name != "defaults"}


def _prefix(path: Path) -> str:
    return "" if "@package _global_" in path.read_text() else f"{path.parent.name}."


def _flat(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Each setting with its value as it is typed; lists are left out."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield f"{prefix}{name}".replace("hydra.sweeper.params.", ""), _spelled(value)


def _run() -> str:
    """The settings that stand by themselves."""
    alone = [
        item
        for item in fields(RunConfig)
        if item.name not in KINDS and not is_dataclass(get_type_hints(RunConfig)[item.name])
    ]
    return "## The run\n\n" + _settings("", RunConfig, alone)


def _sections() -> Iterator[str]:
    for name, kind in get_type_hints(RunConfig).items():
        if name in KINDS:
            yield f"## {name}\n"
            yield from _kinds(name)
        elif is_dataclass(kind):
            yield _section(f"## {name}", name, kind)


def _kinds(group: str) -> Iterator[str]:
    """A section for each kind, and for what several of them have in common."""
    known = KINDS[group]
    bases = [base for kind in known.values() for base in reversed(kind.__mro__)]
    for base in dict.fromkeys(base for base in bases if is_dataclass(base)):
        names = [name for name, kind in known.items() if issubclass(kind, base)]
        yield _section(f"### {group}: {', '.join(names)}", group, base)


def _section(heading: str, prefix: str, kind: type) -> str:
    """What is declared by `kind` itself, and then by the sections within it."""
    text = inspect.cleandoc(kind.__doc__ or "").removesuffix("; use one of the kinds below.")
    own = [item for item in fields(kind) if item.name in kind.__annotations__]
    parts = [f"{heading}\n\n{text.rstrip('.')}.\n\n" + _settings(f"{prefix}.", kind, own)]
    for name in kind.__annotations__:
        inner = get_type_hints(kind)[name]
        if is_dataclass(inner):
            parts.append(_section(f"### {prefix}.{name}", f"{prefix}.{name}", inner))
    return "\n".join(parts)


def _settings(prefix: str, kind: type, items: list[Field]) -> str:
    hints, meanings = get_type_hints(kind), _meanings(kind)
    rows = []
    for item in items:
        hint = hints[item.name]
        if not is_dataclass(hint):
            meaning = meanings.get(item.name) or _meaning_of(hint)
            rows.append((f"`{prefix}{item.name}`", _default(item), _type(hint), meaning))
    return _table(("setting", "default", "type", "meaning"), rows)


def _meanings(kind: type) -> dict[str, str]:
    """The comment beside each setting; a kind that changes a default keeps the meaning."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            comments = DECLARED.findall(inspect.getsource(base))
            found |= {name: comment for name, comment in comments if comment}
    return found


def _meaning_of(hint: Any) -> str:
    """What the type of a setting says of itself, where it is a choice."""
    is_choice = isinstance(hint, type) and issubclass(hint, Enum)
    return inspect.cleandoc(hint.__doc__ or "").rstrip(".") if is_choice else ""


def _default(item: Field) -> str:
    if item.default is MISSING:
        return "to be given"
    if item.default is NOTHING:
        return "none"
    return f"`{_spelled(item.default)}`"


def _type(hint: Any) -> str:
    if get_origin(hint) is UnionType:
        return " or ".join(_type(option) for option in get_args(hint))
    if hint is type(None):
        return "null"
    if get_origin(hint) is list:
        return "list of " + ", ".join(field.name for field in fields(get_args(hint)[0]))
    if issubclass(hint, Enum):
        return ", ".join(f"`{option.value}`" for option in hint)
    return WORDS[hint]


def _spelled(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
