"""A fast path for the most common job: the sum of one column of integers per group."""

from __future__ import annotations

import heapq
import re
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from processor.engines.keys import join_key, split_key
from processor.engines.runs import SortedRuns
from shared.aggregation.cells import CANONICAL, EXPECTED
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.problems import show
from shared.jobs.report import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.rejects import Table
    from shared.aggregation.resolve import Query

    Group = tuple[bytes, int, bytes]
    """The key, the sum of the shorter numbers, and the digits of the sum of the long numbers."""

_PLAIN_DIGITS = 18
"""`_GROUP_COST` includes the memory of a number with up to this many digits."""
_LONG_DIGITS = 1000
"""Numbers with more digits are added as decimals, because the conversion between text and int takes
quadratic time."""
_GROUP_COST = 240
"""Bytes of memory for a group without its text: dictionary and list entries, object headers."""

_ZERO = Decimal(0)

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch


def supports(query: Query) -> bool:
    """Return whether the query is such a sum, without filter, order or skipped cells."""
    aggregation = query.aggregation
    plain = Aggregation(
        group_by=tuple(GroupColumn(g.column, g.name) for g in aggregation.group_by),
        aggregates=tuple(
            Aggregate("sum", a.column, a.name, "integer", strict=True)
            for a in aggregation.aggregates[:1]
        ),
        output=aggregation.output,
        input=aggregation.input,
    )
    if aggregation.notation != CANONICAL:
        return False
    return bool(plain.group_by and plain.aggregates) and plain == aggregation


def aggregate(
    query: Query, table: Table, scratch: Path, memory: int
) -> tuple[Rows, Iterator[list[bytes]]]:
    """Aggregate all records. Return the counts of rows, and the rows of the result in order.

    Bad records are rejected, and not counted. `memory` is in bytes. Runs are written to `scratch`.
    The decimal context must be `EXACT` until all rows have been read.
    """
    groups = _Groups(scratch, memory)
    rows = groups.add_all(query, table)
    return rows, ([*split_key(key), _total(total, long)] for key, total, long in groups.sorted())


class _Groups:
    """The totals of all groups, in memory and on disk."""

    def __init__(self, scratch: Path, memory: int) -> None:
        self._memory = memory
        self._totals: dict[bytes, int] = {}
        self._long: dict[bytes, Decimal] = {}
        self._runs: SortedRuns[Group] = SortedRuns(scratch, "run", _merged, _size_of, plain=True)

    def add_all(self, query: Query, table: Table) -> Rows:
        """Add all records that are not bad."""
        group_by, sum_of = query.group_by, query.columns[0] or 0
        reader, width, fatal = table.reader, table.width, table.fatal
        totals, long = self._totals, self._long
        is_default = query.aggregation.is_default
        rows = used = 0
        for _, fields in table.records:
            if len(fields) != width:
                reader.reject_ragged(fields, width)
                continue
            text = fields[sum_of]
            if not text.isdigit() and not _is_integer(text):
                hinted = CANONICAL.expected_with_hint("integer", text)
                reader.reject(sum_of + 1, show(text), EXPECTED["integer"] if is_default else hinted)
                continue
            rows += 1
            if fatal:
                continue
            key = join_key([fields[column] for column in group_by])
            if len(text) > _PLAIN_DIGITS:
                used += len(text)
                if len(text) > _LONG_DIGITS:
                    long[key] = long.get(key, _ZERO) + Decimal(text.decode())
                    text = b"0"
            if key in totals:
                totals[key] += int(text)
            else:
                totals[key] = int(text)
                used += _GROUP_COST + len(key)
            if used > self._memory:
                self._runs.spill(self._sorted_in_memory())
                totals.clear()
                long.clear()
                used = 0
        return Rows(aggregated=rows)

    def sorted(self) -> Iterator[Group]:
        """Return each group once, in order of the keys."""
        return self._runs.merged_with(self._sorted_in_memory())

    def _sorted_in_memory(self) -> Iterator[Group]:
        totals, long = self._totals, self._long
        return (
            (key, totals[key], _digits(long[key]) if key in long else b"") for key in sorted(totals)
        )


def _merged(runs: list[Iterator[Group]]) -> Iterator[Group]:
    for key, same in groupby(heapq.merge(*runs), key=itemgetter(0)):
        total, long = 0, b""
        for _, part, digits in same:
            total += part
            if digits:
                long = _total(0, long, digits) if long else digits
        yield key, total, long


def _total(total: int, *long: bytes) -> bytes:
    """Return the digits of the sum of `total` and the `long` numbers."""
    if not any(long):
        return b"%d" % total
    return _digits(sum((Decimal(digits.decode()) for digits in long), Decimal(total)))


def _digits(value: Decimal) -> bytes:
    return format(value + _ZERO, "f").encode()


def _size_of(group: Group) -> int:
    key, total, long = group
    return len(key) + total.bit_length() // 8 + len(long) + _GROUP_COST
