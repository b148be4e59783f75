"""Write a result as Parquet, from the CSV of the kernel, in a child process with DuckDB.

The type of a column is the narrowest of a few that holds all values exactly
(docs/aggregation.md, "The result"). No name of a column becomes part of an SQL statement.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.child_side import end_with_parent, peak_memory, send_event, task_of_child
from processor.engines.confinement import confine
from processor.engines.conversion import convert_in_child, kinds_of
from shared.errors import AttemptFailed
from shared.jobs.preview import LIMIT, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from processor.engines.messages import Message
    from processor.engines.port import EngineLimits, Written
    from processor.engines.usage import Usage
    from shared.aggregation.resolve import Query

_MODULE = f"{__package__}.parquet"
_PARQUET, _PREVIEW = "result.parquet", "preview.csv"
_DUCKDB_SHARE = 0.5
"""The share of the memory for DuckDB. Code, Python and fragmentation need the rest."""

ROW_GROUP_ROWS = 122_880
"""The maximum number of rows of a row group."""
ROW_GROUP_BYTES = 16 << 20
"""The approximate bytes of text in a row group, which DuckDB keeps in memory."""
_FEWEST_ROWS = 2048
_LINE = 2 << 20
"""The maximum size of a row in bytes that DuckDB reads at first."""
_BUFFER = 8 << 20
"""Bytes that DuckDB reads at a time."""
_LIMITS_OF_CONTAINER = ("/proc/self/cgroup", "/sys/fs/cgroup")
"""DuckDB ends if these are there and it may not read them."""
_NEEDS_QUOTES = re.compile('[,"\r\n]').search

_DATE, _MICROSECONDS = len("2020-12-31"), len("2020-12-31T23:59:59.123456")

_NUMBER = (
    "max(strlen(split_part(ltrim({c}, '-'), '.', 1)))",
    "max(strlen(split_part({c}, '.', 2)))",
    "coalesce(bool_and(TRY_CAST({c} AS BIGINT) IS NOT NULL) FILTER ({c} IS NOT NULL), true)",
)
_MEASURES: dict[str, tuple[str, ...]] = {
    "number": _NUMBER,
    "integer": _NUMBER,
    "date": ("max(strlen({c}))", "max(strlen(rtrim({c}, '0')))"),
}
"""The SQL of the arguments of `_number_type` and `_date_type` for a column `{c}`."""


def check_installed() -> None:
    """Raise AttemptFailed if DuckDB is not installed."""
    if importlib.util.find_spec("duckdb") is None:
        raise AttemptFailed(
            "this processor cannot write Parquet, because DuckDB is not installed: install "
            "csvmill[parquet], or choose another output"
        )


async def convert(
    rows: Path, query: Query, count: int, limits: EngineLimits, usage: Usage
) -> tuple[Written, Written]:
    """Write the CSV file `rows`, of `count` rows, as Parquet. Return it and its preview.

    Removes `rows`. Raises AttemptFailed and OSError.
    """
    task = {
        "count": count,
        "names": query.names,
        "kinds": kinds_of(query, day="day", group="group"),
    }
    return await convert_in_child(
        _MODULE, rows, task, limits, usage, result=_PARQUET, preview=_PREVIEW
    )


def main() -> None:
    """Run the task from the control pipe, in the current folder, which is all that it may open."""
    import duckdb

    control = int(sys.argv[1])
    task = task_of_child(control)
    peak_memory()  # opens what it reads
    confine(
        memory=task["memory"],
        file_size=task["scratch"],
        folder=str(Path.cwd()),
        readable=_LIMITS_OF_CONTAINER,
    )
    end_with_parent(control)
    event: Message = {"event": "finished"}
    try:
        write(task)
    except (AttemptFailed, OSError) as error:
        event = {"event": "failed", "reason": str(error)}
    except duckdb.Error as error:
        event = {"event": "failed", "reason": reason_of(error)}
    send_event({**event, **peak_memory()})


def write(task: Message) -> None:
    """Write the rows of `task` and their preview. Raises duckdb.Error, OSError, AttemptFailed."""
    import duckdb

    memory = int(task["memory"] * _DUCKDB_SHARE)
    longest = _LINE
    while True:
        with _connected(memory, "parquet-spill") as db:
            # Not in the config of `connect`, which the buffer manager ignores (DuckDB 1.5 to 2.0).
            db.execute(f"SET max_temp_directory_size = '{task['scratch']:d}B'")
            try:
                _write_rows(db, task, longest)
                break
            except duckdb.InvalidInputException:
                # The kernel writes no other rows that DuckDB refuses than those that are too long.
                if longest > Path(task["rows"]).stat().st_size:
                    raise
                longest *= 2
    _write_preview(task["names"], memory)


def _connected(memory: int, spill: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        # One thread needs the least memory, and returns rows in order.
        "threads": 1,
        "memory_limit": f"{memory}B",
        "temp_directory": spill,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # With statistics, a column without NULL would get another type.
        "disabled_optimizers": "statistics_propagation",
    }
    return duckdb.connect(config=config)


def _write_rows(db: duckdb.DuckDBPyConnection, task: Message, longest: int) -> None:
    """Write the file. `longest` is the maximum size of a row in bytes."""
    import duckdb

    kinds: list[str] = task["kinds"]
    columns = [f"c{i}" for i in range(len(kinds))]
    db.execute(f"CREATE TEMP VIEW cells AS {_rows(task['rows'], kinds, longest)}")
    count, length, types = _measured(db, columns, kinds)
    group = ROW_GROUP_BYTES * count // max(length, 1) // _FEWEST_ROWS * _FEWEST_ROWS
    cells = [
        duckdb.ColumnExpression(column).cast(kind).alias(name)
        for column, kind, name in zip(columns, types, task["names"], strict=True)
    ]
    db.view("cells").select(*cells).write_parquet(
        _PARQUET,
        compression="zstd",
        row_group_size=min(max(group, _FEWEST_ROWS), ROW_GROUP_ROWS),
    )
    schema = db.execute("SELECT name FROM parquet_schema($1)", [_PARQUET]).fetchall()
    ((rows,),) = db.execute("SELECT num_rows FROM parquet_file_metadata($1)", [_PARQUET]).fetchall()
    if [name for (name,) in schema[1:]] != task["names"] or rows != task["count"]:
        raise AttemptFailed(f"DuckDB wrote {schema[1:]} and {rows} rows, not {task['count']}")


def _rows(path: str, kinds: Sequence[str], longest: int) -> str:
    """Return the SQL of the cells, with NULL for no value. Text of a group may be empty."""
    cells = ", ".join(
        f"coalesce(c{i}, '') AS c{i}" if kind == "group" else f"c{i}"
        for i, kind in enumerate(kinds)
    )
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(kinds)))
    # In parallel, DuckDB could begin to read within quotes.
    return (
        f"SELECT {cells} FROM read_csv('{path}', columns={{{types}}}, header=true, "  # noqa: S608
        "auto_detect=false, delim=',', quote='\"', escape='\"', new_line='\\n', nullstr='', "
        "allow_quoted_nulls=true, strict_mode=true, null_padding=false, parallel=false, "
        f"max_line_size={longest}, buffer_size={max(longest, _BUFFER)})"
    )


def _measured(
    db: duckdb.DuckDBPyConnection, columns: Sequence[str], kinds: Sequence[str]
) -> tuple[int, int, list[str]]:
    """Return the number of rows, the bytes of all cells, and the type of each column."""
    measures = ["count(*)", *(f"coalesce(sum(strlen({c})), 0)" for c in columns)]
    for column, kind in zip(columns, kinds, strict=True):
        measures += [measure.format(c=column) for measure in _MEASURES.get(kind, ())]
    (row,) = db.execute(f"SELECT {', '.join(measures)} FROM cells").fetchall()  # noqa: S608
    count, *values = (int(value or 0) for value in row)
    width = len(columns)
    return count, sum(values[:width]), list(_types(kinds, iter(values[width:])))


def _types(kinds: Sequence[str], values: Iterator[int]) -> Iterator[str]:
    for kind in kinds:
        measures = [next(values) for _ in _MEASURES.get(kind, ())]
        if kind == "date":
            yield _date_type(*measures)
        elif measures:
            yield _number_type(*measures)
        else:
            yield "DATE" if kind == "day" else "VARCHAR"


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


def _write_preview(names: Sequence[str], memory: int) -> None:
    """Write the names and first rows of the Parquet file as CSV (see `shared.jobs.preview`)."""
    size = 0
    with Path(_PREVIEW).open("wb") as file:
        for row in _first_rows(names, memory):
            size += len(row)
            if size > LIMIT:
                break
            file.write(row)


def _first_rows(names: Sequence[str], memory: int) -> Iterator[bytes]:
    import duckdb

    header = _encoded(names)
    if header.startswith(BOM_UTF8):
        first = names[0].encode()
        header = b'"' + first + b'"' + header.removeprefix(first)
    yield header
    sql = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet($1) LIMIT {MAX_ROWS}"  # noqa: S608
    # If rows do not fit in memory, they do not fit in a preview: it ends before them.
    with _connected(memory, "") as db, contextlib.suppress(duckdb.OutOfMemoryException):
        found = db.execute(sql, [_PARQUET])
        while (row := found.fetchone()) is not None:
            yield _encoded([cell or "" for cell in row])


def _encoded(fields: Sequence[str]) -> bytes:
    """Return a row as the kernel writes it."""
    quoted = (
        '"' + field.replace('"', '""') + '"' if _NEEDS_QUOTES(field) else field for field in fields
    )
    return ((",".join(quoted) or '""') + "\n").encode()


def reason_of(error: duckdb.Error) -> str:
    """Return why an attempt failed with this error."""
    import duckdb

    text = str(error)
    if "'max_temp_directory_size'" in text:
        return "out of scratch disk (CSVMILL_SCRATCH_LIMIT)"
    if isinstance(error, duckdb.IOException) and "No space left" in text:
        return f"the disk is full: {text}"
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"out of memory while Parquet was written: {text}"
    return f"Parquet could not be written: {text}"


if __name__ == "__main__":
    main()
