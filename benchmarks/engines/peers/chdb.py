"""chDB, which is ClickHouse in the process, with two threads.

Sums of integers and of decimals are exact. `avg` is a floating-point number. `any` and `anyLast`
keep the order of the file with one thread only.
"""

import chdb

from benchmarks.engines.task import Task, run_peer

TYPES = {"text": "String", "integer": "Int64", "cents": "Decimal(18, 2)"}
QUERIES = {
    "plays": "SELECT Song, Date, sum(Plays) FROM t GROUP BY Song, Date ORDER BY Song, Date",
    "prices": (
        "SELECT Song, Date, sum(Price), avg(Price) FROM t GROUP BY Song, Date ORDER BY Song, Date"
    ),
    "top_months": (
        "SELECT Song, substring(Date, 1, 7) AS month, sum(Plays) AS total FROM t "
        "WHERE Plays > 5000 GROUP BY Song, month ORDER BY total DESC, Song, month LIMIT 10"
    ),
    "several": (
        "SELECT Song, Date, avg(Plays), min(Plays), max(Plays), any(Plays), anyLast(Plays), "
        "count() FROM t GROUP BY Song, Date ORDER BY Song, Date"
    ),
    "median": "SELECT Song, quantileExactInclusive(Seconds) FROM t GROUP BY Song ORDER BY Song",
    "distinct": "SELECT Song, uniqExact(Listener) FROM t GROUP BY Song ORDER BY Song",
}


def query(task: Task) -> None:
    """Run the query of a task."""
    columns = ", ".join(f"`{name}` {TYPES[kind]}" for name, kind in task.columns.items())
    table = f"file('{task.source}', 'CSVWithNames', '{columns}')"
    text = QUERIES[task.query].replace("FROM t", f"FROM {table}")
    # Its limit does not count the program itself and its caches. Memory for groups is needed twice:
    # to build the groups, and to merge those of the threads.
    limit = task.memory * 3 // 4 if task.tight else task.memory
    before_spilling = limit // 3 if task.tight else limit // 2
    settings = {
        "max_threads": task.threads,
        "max_memory_usage": limit,
        "max_bytes_before_external_group_by": before_spilling,
        "max_bytes_before_external_sort": before_spilling,
    }
    listed = ", ".join(f"{name} = {value}" for name, value in settings.items())
    chdb.query(
        f"{text} INTO OUTFILE '{task.result}' TRUNCATE FORMAT CSVWithNames SETTINGS {listed}"
    )


if __name__ == "__main__":
    run_peer(query)
