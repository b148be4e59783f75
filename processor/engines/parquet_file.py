"""Write results as Parquet. DuckDB writes them for both plans, so that the bytes are equal.

The type of a column is the narrowest of a few that holds all values exactly (docs/csv.md, "The
result"). No name of a column becomes part of an SQL statement.
"""

from __future__ import annotations

import errno
import hashlib
from typing import TYPE_CHECKING

import duckdb

from processor.engines.preview_file import write_preview
from processor.engines.protocol import PREVIEW_NAME
from processor.engines.scratch_limit import OutOfScratch, limit_spilling, spilled_too_much
from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from shared.aggregation.kinds import Kind
    from shared.aggregation.resolve import Query

ROW_GROUP_ROWS = 122_880
"""The maximum number of rows of a row group."""
ROW_GROUP_BYTES = 16 << 20
"""The approximate bytes of text in a row group, which DuckDB keeps in memory."""
SETTINGS = {"disabled_optimizers": "statistics_propagation"}
"""Settings of every DuckDB connection that writes a file. With statistics, a column without NULL
would get another type."""
_FEWEST_ROWS = 2048
_SPILL = "parquet-spill"

_DATE, _MICROSECONDS = len("2020-12-31"), len("2020-12-31T23:59:59.123456")

_NUMBER = (
    "max(strlen(split_part(ltrim({c}, '-'), '.', 1)))",
    "max(strlen(split_part({c}, '.', 2)))",
    "coalesce(bool_and(TRY_CAST({c} AS BIGINT) IS NOT NULL) FILTER ({c} IS NOT NULL), true)",
)
_MEASURES: dict[Kind, tuple[str, ...]] = {
    "number": _NUMBER,
    "integer": _NUMBER,
    "date": ("max(strlen({c}))", "max(strlen(rtrim({c}, '0')))"),
}
"""The SQL of the arguments of `_number_type` and `_date_type` for a column `{c}`."""


class ParquetFile:
    """A Parquet result, which `finish` writes to `path`.

    `write_rows` collects rows in a table, which spills up to `scratch` bytes to files beside
    `path`. The table uses a quarter of `memory` (bytes) while the plan runs, and all of it when the
    file is written.
    """

    def __init__(self, path: Path, query: Query, memory: int, scratch: int) -> None:
        self._path = path
        self._query = query
        self._memory = memory
        self._scratch = scratch
        self._db: duckdb.DuckDBPyConnection | None = None
        self._columns = [f"c{i}" for i in range(len(query.names))]
        self.size = 0
        """Bytes of the file, once it is finished."""
        self.sha256 = ""
        """Lower-case hex digest of the file, once it is finished."""

    def write_rows(self, rows: Iterable[Sequence[bytes]]) -> None:
        """Append rows. Raises AttemptFailed."""
        values = [[cell.decode() for cell in column] for column in zip(*rows, strict=True)]
        lists = ", ".join(f"unnest(${i + 1})" for i in range(len(values)))
        try:
            self._table().execute(f"INSERT INTO result SELECT {lists}", values)
        except duckdb.Error as error:
            raise self._failed(error) from error

    def write_from(self, db: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Write the whole result. The SQL `rows` selects its cells as texts `c0`, `c1`, ...

        Raises duckdb.Error and OSError.
        """
        db.execute(f"CREATE TEMP VIEW cells AS SELECT {self._nulls()} FROM ({rows})")  # noqa: S608
        count, length, types = self._measured(db)
        group = ROW_GROUP_BYTES * count // max(length, 1) // _FEWEST_ROWS * _FEWEST_ROWS
        cells = [
            duckdb.ColumnExpression(column).cast(kind).alias(name)
            for column, kind, name in zip(self._columns, types, self._query.names, strict=True)
        ]
        db.view("cells").select(*cells).write_parquet(
            str(self._path),
            compression="zstd",
            row_group_size=min(max(group, _FEWEST_ROWS), ROW_GROUP_ROWS),
        )
        self._check(db, count)
        with self._path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            self.size = file.tell()

    def finish(self) -> None:
        """Write the file, unless `write_from` has, and its preview.

        Raises AttemptFailed and OSError.
        """
        try:
            if not self.sha256:
                db = self._table()
                db.execute(f"SET memory_limit = '{self._memory:d}B'")
                self.write_from(db, "SELECT * FROM result")
            self.close()
            preview = self._path.with_name(PREVIEW_NAME)
            write_preview(self._path, preview, self._query.names, self._memory)
        except duckdb.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Free the memory."""
        if self._db is not None:
            self._db.close()

    def _table(self) -> duckdb.DuckDBPyConnection:
        if self._db is None:
            self._db = duckdb.connect(
                config={
                    **SETTINGS,
                    # One thread needs the least memory, and is much faster than the exact plan.
                    "threads": 1,
                    "memory_limit": f"{self._memory // 4}B",
                    "temp_directory": str(self._path.parent / _SPILL),
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                }
            )
            limit_spilling(self._db, self._scratch)
            columns = ", ".join(f"{column} VARCHAR" for column in self._columns)
            self._db.execute(f"CREATE TABLE result ({columns})")
        return self._db

    def _nulls(self) -> str:
        """Return the SQL of the cells, with NULL for no value. Text of a group may be empty."""
        texts = [group.truncate != "day" for group in self._query.aggregation.group_by]
        return ", ".join(
            column if texts[i : i + 1] == [True] else f"nullif({column}, '') AS {column}"
            for i, column in enumerate(self._columns)
        )

    def _measured(self, db: duckdb.DuckDBPyConnection) -> tuple[int, int, list[str]]:
        """Return the number of rows, the bytes of all cells, and the type of each column."""
        measures = ["count(*)", *(f"coalesce(sum(strlen({c})), 0)" for c in self._columns)]
        for column, kind in zip(self._columns, self._query.kinds, strict=True):
            measures += [measure.format(c=column) for measure in _MEASURES.get(kind, ())]
        (row,) = db.execute(f"SELECT {', '.join(measures)} FROM cells").fetchall()  # noqa: S608
        count, *values = (int(value or 0) for value in row)
        width = len(self._columns)
        return count, sum(values[:width]), list(self._types(iter(values[width:])))

    def _types(self, values: Iterator[int]) -> Iterator[str]:
        days = [group.truncate == "day" for group in self._query.aggregation.group_by]
        for i, kind in enumerate(self._query.kinds):
            measures = [next(values) for _ in _MEASURES.get(kind, ())]
            if kind == "date":
                yield _date_type(*measures)
            elif measures:
                yield _number_type(*measures)
            else:
                yield "DATE" if days[i : i + 1] == [True] else "VARCHAR"

    def _check(self, db: duckdb.DuckDBPyConnection, rows: int) -> None:
        """Check the names and the number of rows in the file. Raises AttemptFailed."""
        path = [str(self._path)]
        schema = db.execute("SELECT name FROM parquet_schema($1)", path).fetchall()
        ((written,),) = db.execute(
            "SELECT num_rows FROM parquet_file_metadata($1)", path
        ).fetchall()
        if tuple(name for (name,) in schema[1:]) != self._query.names or written != rows:
            raise AttemptFailed(f"DuckDB wrote {schema[1:]} and {written} rows, not {rows}")

    def _failed(self, error: duckdb.Error) -> Exception:
        text = str(error)
        if spilled_too_much(error):
            return OutOfScratch(self._scratch)
        if isinstance(error, duckdb.IOException) and "No space left" in text:
            return OSError(errno.ENOSPC, text)
        if isinstance(error, duckdb.OutOfMemoryException):
            return AttemptFailed(f"out of memory while Parquet was written: {text}")
        return AttemptFailed(f"Parquet could not be written: {text}")


def _number_type(digits: int, decimals: int, long: int) -> str:
    """Return the type for numbers with this many digits before and after the decimal point.

    `long` is 1 if all numbers are integers of 64 bits.
    """
    if decimals == 0 and long:
        return "BIGINT"
    for precision in (18, 38):
        if digits + decimals <= precision and (decimals or precision == 38):
            return f"DECIMAL({precision}, {decimals})"
    return "VARCHAR"


def _date_type(length: int, significant: int) -> str:
    """Return the type for dates, by the greatest length with and without trailing zeros."""
    if length <= _DATE:
        return "DATE"
    return "TIMESTAMP" if significant <= _MICROSECONDS else "VARCHAR"
