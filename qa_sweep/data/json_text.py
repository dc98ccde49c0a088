"""JSON text: what it says, or why it says nothing that can be relied on."""

import json
from typing import Any

from qa_sweep.data.fields import shown


class NotJson(ValueError):
    """Why a text is not read as JSON; `position` is the character where that shows, if one is."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def parse_json(text: str) -> Any:
    """Return what `text` says.

    Raises NotJson, for an object that has a field twice too: which of the two holds is not said.
    """
    try:
        return json.loads(text, object_pairs_hook=_record)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from error
    except NotJson:
        raise
    except RecursionError:
        raise NotJson("lists or objects lie too deep within each other") from None
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise NotJson("a whole number has thousands of digits") from None


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"the field {shown(twice)} stands twice in {shown(record)}; remove one")
    return record
