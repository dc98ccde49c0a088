"""What can go wrong in ways the user can mend.

    QaSweepError
    ├── ConfigError    a setting: unknown, of the wrong type, out of range
    ├── DataError      a data set: missing, malformed, empty
    ├── ModelError     a model or tokenizer: unknown, unreadable, unsuitable
    ├── StudyError     a study that cannot be opened or continued as asked
    ├── OutputError    a folder or file that cannot be written
    └── Diverged       a training whose loss is no number, or has exploded

The message is one line for the person at the keyboard: what must hold, what was found, what to do.
"""


class QaSweepError(Exception):
    """Base of all errors that are shown as one line and end the program with exit code 1."""


class ConfigError(QaSweepError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(QaSweepError, ValueError):
    """A data set is missing, malformed or empty; the message names the row and the field."""


class ModelError(QaSweepError):
    """A model or tokenizer is unknown, unreadable or unsuitable."""


class StudyError(QaSweepError):
    """A study cannot be opened, or not be continued as asked."""


class OutputError(QaSweepError, OSError):
    """A folder or file cannot be written."""


class Diverged(QaSweepError, ArithmeticError):
    """A training's loss is no number, or has exploded."""
