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
    settings = {"max_threads": task.threads}
    if task.tight:
        settings |= {
            "max_memory_usage": task.memory * 3 // 4,
            "max_bytes_before_external_group_by": task.memory // 4,
            "max_bytes_before_external_sort": task.memory // 4,
        }
    listed = ", ".join(f"{name} = {value}" for name, value in settings.items())
    chdb.query(
        f"{text} INTO OUTFILE '{task.result}' TRUNCATE FORMAT CSVWithNames SETTINGS {listed}"
    )


if __name__ == "__main__":
    run_peer(query)
