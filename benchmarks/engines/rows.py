"""The rows of the table: what is computed, of which file, and the ratio to reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GIB = 1 << 30

PLAYS = {
    "group_by": ["Song", "Date"],
    "aggregates": [{"function": "sum", "column": "Plays", "type": "integer"}],
}
PRICES = {
    "group_by": ["Song", "Date"],
    "aggregates": [
        {"function": "sum", "column": "Price"},
        {"function": "avg", "column": "Price"},
    ],
}
TOP_MONTHS = {
    "group_by": ["Song", {"column": "Date", "truncate": "month"}],
    "aggregates": [{"function": "sum", "column": "Plays", "name": "total", "type": "integer"}],
    "where": {"column": "Plays", "op": ">", "value": 5000},
    "order_by": [{"column": "total", "descending": True}],
    "limit": 10,
}
SEVERAL = {
    "group_by": ["Song", "Date"],
    "aggregates": [
        *(
            {"function": function, "column": "Plays", "name": function}
            for function in ("avg", "min", "max", "first", "last")
        ),
        {"function": "count"},
    ],
}
MEDIAN = {
    "group_by": ["Song"],
    "aggregates": [{"function": "median", "column": "Seconds", "type": "integer"}],
}
DISTINCT = {
    "group_by": ["Song"],
    "aggregates": [{"function": "count_distinct", "column": "Listener"}],
}

SPECS: dict[str, dict[str, Any]] = {
    "plays": PLAYS,
    "prices": PRICES,
    "top_months": TOP_MONTHS,
    "several": SEVERAL,
    "median": MEDIAN,
    "distinct": DISTINCT,
}
"""The aggregations. Each peer has a query of the same name."""

KINDS: dict[str, tuple[str, ...]] = {
    "plays": ("text", "text", "number"),
    "prices": ("text", "text", "number", "mean"),
    "top_months": ("text", "text", "number"),
    "several": ("text", "text", "mean", "number", "number", "number", "number", "number"),
    "median": ("text", "number"),
    "distinct": ("text", "number"),
}
"""How the columns of each result are compared: see `benchmarks.engines.result`."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How the kernel runs."""

    threads: int = 2
    pipe: bool = False
    """Whether it reads the file from a pipe."""
    repeat: int = 1
    """How often it runs; the time is the median."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    title: str
    """`{groups}` stands for the number of groups."""
    file: str
    query: str
    target: float
    """The ratio to the best peer, or to `other`, that is to be reached."""
    memory: int = 6 * GIB
    """The budget of every engine in bytes."""
    tight: bool = False
    """Whether the data exceed the budget. A peer is then told to use less, and killed if it uses
    more."""
    gzip: bool = False
    kernel: Variant = field(default_factory=Variant)
    other: Variant | None = None
    """What the kernel is compared with; None are the peers."""
    most: float | None = None
    """Instead of a ratio, the most seconds."""
    rows: int | None = None
    """How many rows the file has, whatever the size of the others."""


ROWS = {
    "few": Row("sum, {groups} groups", "few_groups", "plays", 3.0),
    "many": Row("sum, {groups} groups", "many_groups", "plays", 2.0),
    "own": Row("sum, every row its own group: {groups}, 6 GiB", "own_groups", "plays", 2.0),
    "own-1gib": Row("the same, 1 GiB", "own_groups", "plays", 1.5, memory=GIB, tight=True),
    "quoted": Row(
        "sum, fields with commas, quotes and line ends, {groups} groups", "quoted", "plays", 2.0
    ),
    "decimals": Row("sum and avg of decimals, {groups} groups", "decimals", "prices", 2.0),
    "wide": Row("sum, 3 of 40 columns, {groups} groups", "wide", "plays", 2.0),
    "top": Row("where, group by month, top 10", "many_groups", "top_months", 2.0),
    "several": Row(
        "avg, min, max, first, last, count, {groups} groups", "few_groups", "several", 2.0
    ),
    "median": Row("median, {groups} groups", "listeners", "median", 1.0),
    "distinct": Row("count_distinct, {groups} groups", "listeners", "distinct", 1.0),
    "pipe": Row(
        "sum, {groups} groups, through a pipe; from a file", "few_groups", "plays", 0.8,
        kernel=Variant(pipe=True), other=Variant(),
    ),
    "gzip": Row("sum, {groups} groups, gzip", "few_groups", "plays", 1.5, gzip=True),
    "threads": Row(
        "sum, {groups} groups, two threads; one", "few_groups", "plays", 1.8,
        other=Variant(threads=1),
    ),
    "start": Row(
        "sum of a file of 10 KB", "few_groups", "plays", 0.0,
        kernel=Variant(repeat=200), most=0.005, rows=330,
    ),
}  # fmt: skip
"""The rows by name. A budget of 6 GiB applies where the title names none."""
