"""Arrow: the rows of a table, as Parquet files and data sets of the hub hold them."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_sweep.data.readings import Reading, read
from qa_sweep.data.rows import RowRules, check_columns, read_flat_row
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault
from qa_sweep.terminal import visible

if TYPE_CHECKING:  # pyarrow takes a third of a second to import
    from pyarrow import Table

# What a value raises that Python has nothing for, as a date in the year 90000; Arrow's own errors
# are among them.
_NO_VALUE = (ValueError, OverflowError, LookupError, NotImplementedError)


def read_parquet(path: Path, rules: RowRules) -> Iterator[Reading]:
    """Yield what came of each row. Raises DataError where the file is not Parquet."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            check_columns(names, str(path), rules)
            table = file.read(columns=[name for name in names if name in rules.column_names])
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        reason = visible(str(error).partition("\n")[0])
        raise DataError(f"{path}: must be a Parquet file, but cannot be read: {reason}") from error
    yield from _readings(table, names, str(path), rules)


def read_table(table: "Table", source: str, rules: RowRules) -> Iterator[Reading]:
    """Yield what came of each row of `table`, numbered from 1."""
    names = table.column_names
    check_columns(names, source, rules)
    columns = [name for name in names if name in rules.column_names]
    yield from _readings(table.select(columns), names, source, rules)


def _readings(
    table: "Table", names: Sequence[str], source: str, rules: RowRules
) -> Iterator[Reading]:
    """What came of each row; of the columns beside the table's it has the `names` alone."""
    unread = [name for name in names if name not in rules.column_names]
    for number, row in enumerate(_rows(table), start=1):
        where = f"{source}, row {number}"
        yield read(where, partial(_read_row, row, unread, where, rules))


def _rows(table: "Table") -> Any:
    """The rows as dicts; if there is one that Python cannot hold, functions that return them."""
    try:
        return table.to_pylist()
    except _NO_VALUE:
        return (partial(_only_row, table, number) for number in range(table.num_rows))


def _only_row(table: "Table", number: int) -> Any:
    return table.slice(number, 1).to_pylist()[0]


def _read_row(row: Any, unread: list[str], where: str, rules: RowRules) -> Example:
    try:
        values = row() if callable(row) else row
    except UnicodeDecodeError as error:
        problem = f"must be text in UTF-8, but holds the byte {error.object[error.start]:#x}"
        raise BadRow(where, problem, Fault.not_utf8) from error
    except _NO_VALUE as error:
        problem = f"must hold texts, whole numbers and lists, but: {visible(str(error))}"
        raise BadRow(where, problem, Fault.wrong_type) from error
    return read_flat_row({**values, **dict.fromkeys(unread)}, where, rules)
