"""Conversation: questions at a prompt, about a context that is kept until another is given."""

import sys
from collections.abc import Callable
from contextlib import suppress

from qa_sweep.ask.contexts import ContextSet, read_contexts
from qa_sweep.ask.questions import Question
from qa_sweep.errors import QaSweepError
from qa_sweep.terminal import visible

Ask = Callable[[Question, ContextSet], None]

_PROMPT = "? "
_HELP = """\
Type a question.
  :context FILE   read another file, folder or text (as with --context); alone: what is read now
  :help           this
  :quit           end, as does Ctrl-D"""


class Conversation:
    """Reads questions and commands from the terminal until its end."""

    def __init__(self, ask: Ask, contexts: ContextSet | None) -> None:
        """`ask` answers a question about a context, and shows it."""
        self._ask = ask
        self._contexts = contexts
        self._commands = {
            ":context": self._read,
            ":help": lambda _: print(_HELP),
            ":quit": self._end,
            ":q": self._end,
        }
        self._is_over = False

    def run(self) -> None:
        """Go on until :quit or Ctrl-D; Ctrl-C gives up the line, or the answer, at hand."""
        _edit_lines()
        print(":help says what else can be typed; Ctrl-D ends")
        self._describe()
        while not self._is_over:
            try:
                self._take(input(_PROMPT).strip())
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print()
            except UnicodeDecodeError:
                print("what is typed must be text in UTF-8")
            except QaSweepError as error:
                print(f"qa_sweep: {visible(str(error))}", file=sys.stderr)

    def _take(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        if name in self._commands:
            self._commands[name](rest.strip())
        elif line.startswith(":"):
            print(f"{visible(name)} is no command; :help lists them")
        elif line and self._contexts is None:
            print("there is nothing to read yet; give it with :context FILE")
        elif line and self._contexts is not None:
            self._ask(Question(line), self._contexts)

    def _read(self, given: str) -> None:
        if given:
            self._contexts = read_contexts([given])
            for note in self._contexts.notes:
                print(f"qa_sweep: {visible(note)}", file=sys.stderr)
        self._describe()

    def _describe(self) -> None:
        shown = "none yet; :context FILE" if self._contexts is None else self._contexts.describe()
        print(f"context: {visible(shown)}")

    def _end(self, _: str) -> None:
        self._is_over = True


def _edit_lines() -> None:
    """Have the arrow keys edit the line and recall earlier ones; no history file is written."""
    with suppress(ImportError):  # a Python built without it
        import readline  # noqa: F401 - `input` uses it once it is imported
