"""DuckDB: columns are given and not detected, and the order of rows need not be kept.

Sums of integers and of decimals are exact. `avg` is a floating-point number. `first` and `last`
are of any row, even with `preserve_insertion_order`.
"""

import duckdb

from benchmarks.engines.task import Task, run_peer

TYPES = {"text": "VARCHAR", "integer": "BIGINT", "cents": "DECIMAL(18, 2)"}
QUERIES = {
    "plays": "SELECT Song, Date, sum(Plays) FROM t GROUP BY Song, Date ORDER BY Song, Date",
    "prices": (
        "SELECT Song, Date, sum(Price), avg(Price) FROM t GROUP BY Song, Date ORDER BY Song, Date"
    ),
    "top_months": (
        "SELECT Song, Date[:7] AS month, sum(Plays) AS total FROM t WHERE Plays > 5000 "
        "GROUP BY Song, month ORDER BY total DESC, Song, month LIMIT 10"
    ),
    "several": (
        "SELECT Song, Date, avg(Plays), min(Plays), max(Plays), first(Plays), last(Plays), "
        "count(*) FROM t GROUP BY Song, Date ORDER BY Song, Date"
    ),
    "median": "SELECT Song, median(Seconds) FROM t GROUP BY Song ORDER BY Song",
    "distinct": "SELECT Song, count(DISTINCT Listener) FROM t GROUP BY Song ORDER BY Song",
}


def query(task: Task) -> None:
    """Run the query of a task."""
    # Memory for results of the reader and for allocations is not counted against the limit.
    limit = task.memory * 65 // 100 if task.tight else task.memory
    connection = duckdb.connect(
        config={
            "threads": task.threads,
            "memory_limit": f"{limit >> 20}MiB",
            "preserve_insertion_order": False,
            "temp_directory": task.scratch,
        }
    )
    columns = {name: TYPES[kind] for name, kind in task.columns.items()}
    # DuckDB refuses to read such a file in parallel.
    parallel = str(not task.line_ends).lower()
    table = (
        f"read_csv('{task.source}', columns = {columns}, header = true, delim = ',', quote = '\"', "
        f"escape = '\"', auto_detect = false, parallel = {parallel})"
    )
    text = QUERIES[task.query].replace("FROM t", f"FROM {table}")
    connection.execute(f"COPY ({text}) TO '{task.result}' (HEADER)")


if __name__ == "__main__":
    run_peer(query)
