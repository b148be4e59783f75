"""The same query as a DuckDB user would write it, with given types and without checks."""

import sys

import duckdb

source, target = sys.argv[1:]
connection = duckdb.connect(config={"memory_limit": "1GiB", "preserve_insertion_order": False})
connection.read_csv(
    source,
    header=True,
    columns={"song": "VARCHAR", "date": "VARCHAR", "plays": "BIGINT"},
    auto_detect=False,
).aggregate("song, date, sum(plays) AS plays").order("song, date").write_csv(target)
