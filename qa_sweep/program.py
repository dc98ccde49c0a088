"""The installed command `qa-sweep`: `qa-sweep -m …`, `qa-sweep report`, `qa-sweep ask`, …"""

import sys
from importlib import import_module

from qa_sweep.commands import ending_with_reader

_SUBCOMMANDS = {
    "report": "what came of a study, and whether it is real",
    "study": "list, show, export, remove or serve studies",
    "ask": "the best model answers a question",
    "data": "what is in a data set, and what a run would make of it",
    "up": "Aim's pages, with the links to a study's views",
    "champion": "the best model as a folder with its card, to keep or to share",
    "replay": "a run again from its record, and whether it got the same numbers",
    "doctor": "whether studies and tracked runs are in accord",
}


def program() -> None:
    name, rest = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    if name == "help":
        with ending_with_reader():
            print(_help())
    elif name in _SUBCOMMANDS:
        sys.exit(import_module(f"qa_sweep.{name}").main(rest))
    else:
        sys.exit(import_module("qa_sweep.cli").main())


def _help() -> str:
    lines = [
        "qa-sweep                   one run",
        "qa-sweep -m                a sweep",
        *(f"qa-sweep {name:<18}{what}" for name, what in _SUBCOMMANDS.items()),
        "qa-sweep --help            settings and groups",
    ]
    return "\n".join(lines)
