"""Writes the first rows of a result in Parquet beside it: `shared.jobs.preview`."""

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
    """Write the header and the first rows, of which `memory` bytes may be held, to a new file.

    Raises duckdb.Error, and OSError as when the disk is full.
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
        # With one thread the first rows come first, and nothing beyond them is read.
        "threads": 1,
        "memory_limit": f"{memory}B",
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    # Rows that are too long for the memory are too long for a preview.
    with duckdb.connect(config=config) as db, contextlib.suppress(duckdb.OutOfMemoryException):
        found = db.execute(_FIRST, [str(result)])
        while (row := found.fetchone()) is not None:
            yield encode_row([(cell or "").encode() for cell in row])
