"""Arrow: the rows of a table, as Parquet files and data sets of the hub hold them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_sweep.data.readings import Reading, read
from qa_sweep.data.rows import RowRules, read_flat_row
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault

if TYPE_CHECKING:  # pyarrow takes a third of a second to import
    from pyarrow import Table


def read_parquet(path: Path, rules: RowRules) -> Iterator[Reading]:
    """Yield what came of each row. Raises DataError where the file is not Parquet."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: must be a Parquet file, but cannot be read: {reason}") from error
    yield from read_table(table, str(path), rules)


def read_table(table: "Table", source: str, rules: RowRules) -> Iterator[Reading]:
    """Yield what came of each row of `table`, numbered from 1."""
    try:
        rows: Any = table.to_pylist()
    except UnicodeDecodeError:  # somewhere: each row by itself tells where
        rows = (partial(_only_row, table, number) for number in range(table.num_rows))
    for number, row in enumerate(rows, start=1):
        where = f"{source}, row {number}"
        yield read(where, partial(_read_row, row, where, rules))


def _only_row(table: "Table", number: int) -> Any:
    return table.slice(number, 1).to_pylist()[0]


def _read_row(row: Any, where: str, rules: RowRules) -> Example:
    try:
        return read_flat_row(row() if callable(row) else row, where, rules)
    except UnicodeDecodeError as error:
        problem = f"must be text in UTF-8, but holds the byte {error.object[error.start]:#x}"
        raise BadRow(where, problem, Fault.not_utf8) from error
