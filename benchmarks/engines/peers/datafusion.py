"""DataFusion with two partitions, and a pool of memory that spills to disk.

Sums of integers and of decimals are exact, and so is `avg` of decimals, to six decimals. `avg` of
integers is a floating-point number. `first_value` and `last_value` are of any row, as its tables
have no order.
"""

import datafusion

from benchmarks.engines.task import Task, run_peer

TYPES = {"text": "VARCHAR", "integer": "BIGINT", "cents": "DECIMAL(18, 2)"}
QUERIES = {
    "plays": (
        'SELECT "Song", "Date", sum("Plays") FROM t GROUP BY "Song", "Date" ORDER BY "Song", "Date"'
    ),
    "prices": (
        'SELECT "Song", "Date", sum("Price"), avg("Price") FROM t '
        'GROUP BY "Song", "Date" ORDER BY "Song", "Date"'
    ),
    "top_months": (
        'SELECT "Song", substr("Date", 1, 7) AS month, sum("Plays") AS total FROM t '
        'WHERE "Plays" > 5000 GROUP BY "Song", substr("Date", 1, 7) '
        'ORDER BY total DESC, "Song", month LIMIT 10'
    ),
    "several": (
        'SELECT "Song", "Date", avg("Plays"), min("Plays"), max("Plays"), first_value("Plays"), '
        'last_value("Plays"), count(*) FROM t GROUP BY "Song", "Date" ORDER BY "Song", "Date"'
    ),
    # `median` of integers is an integer.
    "median": (
        'SELECT "Song", median(CAST("Seconds" AS DOUBLE)) FROM t GROUP BY "Song" ORDER BY "Song"'
    ),
    "distinct": (
        'SELECT "Song", count(DISTINCT "Listener") FROM t GROUP BY "Song" ORDER BY "Song"'
    ),
}


def query(task: Task) -> None:
    """Run the query of a task."""
    # The pool does not count the reader's batches and what is being sorted.
    limit = task.memory * 65 // 100 if task.tight else task.memory
    runtime = (
        datafusion.RuntimeEnvBuilder()
        .with_disk_manager_specified(task.scratch)
        .with_fair_spill_pool(limit)
    )
    settings = datafusion.SessionConfig().with_target_partitions(task.threads)
    context = datafusion.SessionContext(settings, runtime)
    columns = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in task.columns.items())
    options = {
        "format.has_header": "true",
        # With it, a file is not read in parallel.
        "format.newlines_in_values": str(task.line_ends).lower(),
        "format.compression": "gzip" if task.source.endswith(".gz") else "uncompressed",
    }
    listed = ", ".join(f"'{name}' '{value}'" for name, value in options.items())
    context.sql(
        f"CREATE EXTERNAL TABLE t ({columns}) STORED AS CSV LOCATION '{task.source}' "
        f"OPTIONS ({listed})"
    ).collect()
    context.sql(f"COPY ({QUERIES[task.query]}) TO '{task.result}' STORED AS CSV").collect()


if __name__ == "__main__":
    run_peer(query)
