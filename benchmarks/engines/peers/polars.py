"""Polars with its streaming engine, on all cores, which `POLARS_MAX_THREADS` limits.

Sums of integers and of decimals are exact. `mean` is a floating-point number. It has no limit of
memory.
"""

import os
from typing import TYPE_CHECKING

from benchmarks.engines.task import Task, run_peer

# Read at the import of polars.
os.environ["POLARS_MAX_THREADS"] = "2"

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = {"text": pl.String, "integer": pl.Int64, "cents": pl.Decimal(18, 2)}
PLAYS, PRICE = pl.col("Plays"), pl.col("Price")


def _plays(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by("Song", "Date").agg(PLAYS.sum()).sort("Song", "Date")


def _prices(rows: pl.LazyFrame) -> pl.LazyFrame:
    aggregates = PRICE.sum().alias("sum"), PRICE.mean().alias("mean")
    return rows.group_by("Song", "Date").agg(*aggregates).sort("Song", "Date")


def _top_months(rows: pl.LazyFrame) -> pl.LazyFrame:
    month = pl.col("Date").str.head(7).alias("month")
    totals = rows.filter(PLAYS > 5000).group_by("Song", month).agg(PLAYS.sum())
    return totals.sort("Plays", "Song", "month", descending=[True, False, False]).head(10)


def _several(rows: pl.LazyFrame) -> pl.LazyFrame:
    aggregates = [
        PLAYS.mean().alias("mean"), PLAYS.min().alias("min"), PLAYS.max().alias("max"),
        PLAYS.first().alias("first"), PLAYS.last().alias("last"), pl.len(),
    ]  # fmt: skip
    return rows.group_by("Song", "Date").agg(*aggregates).sort("Song", "Date")


def _median(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by("Song").agg(pl.col("Seconds").median()).sort("Song")


def _distinct(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by("Song").agg(pl.col("Listener").n_unique()).sort("Song")


QUERIES: "dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]]" = {
    "plays": _plays,
    "prices": _prices,
    "top_months": _top_months,
    "several": _several,
    "median": _median,
    "distinct": _distinct,
}


def query(task: Task) -> None:
    """Run the query of a task."""
    schema = {name: TYPES[kind] for name, kind in task.columns.items()}
    rows = pl.scan_csv(task.source, schema=schema)
    QUERIES[task.query](rows).sink_csv(task.result, engine="streaming")


if __name__ == "__main__":
    run_peer(query)
