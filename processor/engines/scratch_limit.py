"""Limit the scratch disk of an attempt, also for DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import AttemptFailed

if TYPE_CHECKING:
    import duckdb

_SETTING = "max_temp_directory_size"


def limit_spilling(db: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Limit the files that DuckDB spills to `limit` bytes."""
    # Not in the config of `connect`, which the buffer manager ignores (DuckDB 1.5 to 2.0).
    db.execute(f"SET {_SETTING} = '{limit:d}B'")


def spilled_too_much(error: duckdb.Error) -> bool:
    """Return whether a statement failed because of the limit."""
    return f"'{_SETTING}'" in str(error)


class OutOfScratch(AttemptFailed):
    """An attempt needs more than `limit` bytes of disk."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"out of scratch disk: the limit of a job is {limit:,} bytes (CSVMILL_SCRATCH_LIMIT)"
        )
        self.limit = limit
