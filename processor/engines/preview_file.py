"""Write the preview of a Parquet result (see `shared.jobs.preview`) to a file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import duckdb

from processor.engines.csv_row import encode_row
from shared.jobs.preview import LIMIT, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FIRST = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet($1) LIMIT {MAX_ROWS}"  # noqa: S608


def write_preview(result: Path, to: Path, names: Sequence[str], memory: int) -> None:
    """Write the header and the first rows of `result` to the new file `to`, as CSV.

    DuckDB may use `memory` bytes. Raises duckdb.Error, and OSError, for example on a full disk.
    """
    size = 0
    with to.open("wb") as file:
        for row in _rows(result, names, memory):
            size += len(row)
            if size > LIMIT:
                break
            file.write(row)


def _rows(result: Path, names: Sequence[str], memory: int) -> Iterator[bytes]:
    yield encode_row([name.encode() for name in names])
    config: dict[str, str | bool | int | float | list[str]] = {
        # With one thread, DuckDB returns rows in order, and reads no more than necessary.
        "threads": 1,
        "memory_limit": f"{memory}B",
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    # If rows do not fit in memory, they do not fit in a preview: it ends before them.
    with duckdb.connect(config=config) as db, contextlib.suppress(duckdb.OutOfMemoryException):
        found = db.execute(_FIRST, [str(result)])
        while (row := found.fetchone()) is not None:
            yield encode_row([(cell or "").encode() for cell in row])
