"""Arrow: numbers and texts as columns of a table.

pyarrow's own `array` imports pandas at its first call, to see whether it was given something of
that, and each process that runs a job would wait for it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow
from numpy.typing import NDArray

_LONGEST_STRINGS = 2**31 - 1  # bytes of a column whose offsets are 32 bits wide


def numbers(values: NDArray[np.number]) -> pyarrow.Array:
    """Return a column of the array's own type; `values` is (n_rows,)."""
    kind = pyarrow.from_numpy_dtype(values.dtype)
    buffer = pyarrow.py_buffer(np.ascontiguousarray(values))
    return pyarrow.Array.from_buffers(kind, len(values), [None, buffer])


def texts(values: Iterable[str]) -> pyarrow.Array:
    """Return a column of strings, or of large strings where these are too long together."""
    encoded = [text.encode() for text in values]
    ends = np.cumsum([0, *map(len, encoded)])
    is_long = ends[-1] > _LONGEST_STRINGS
    kind = pyarrow.large_string() if is_long else pyarrow.string()
    offsets = pyarrow.py_buffer(ends if is_long else ends.astype(np.int32))
    content = pyarrow.py_buffer(b"".join(encoded))
    return pyarrow.Array.from_buffers(kind, len(encoded), [None, offsets, content])


def repeated_texts(values: Sequence[str]) -> pyarrow.DictionaryArray:
    """Return a column that holds each distinct text once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(values))}
    rows = np.array([places[text] for text in values], dtype=np.int32)
    return pyarrow.DictionaryArray.from_arrays(numbers(rows), texts(places))


def lists(row_starts: NDArray[np.integer], items: pyarrow.Array) -> pyarrow.ListArray:
    """Return a column of lists; that of row `i` is `items[row_starts[i]:row_starts[i + 1]]`."""
    return pyarrow.ListArray.from_arrays(numbers(row_starts.astype(np.int32)), items)


def structs(**fields: pyarrow.Array) -> pyarrow.StructArray:
    """Return a column of the `fields`, which are of one length, under their names."""
    return pyarrow.StructArray.from_arrays(list(fields.values()), names=list(fields))
