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
    """Its key, the sum of its numbers but the long ones, and the digits of the sum of those."""

_PLAIN_DIGITS = 18
"""Numbers up to this many digits cost what `_GROUP_COST` says."""
_LONG_DIGITS = 1000
"""Numbers of more digits are added up as decimals, apart from the others: to make an int of text,
or text of an int, takes time that grows with the square of the digits."""
_GROUP_COST = 240
"""Bytes of memory for a group besides its text: entries of dictionary and list, object heads."""

_ZERO = Decimal(0)

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch


def suffices(query: Query) -> bool:
    """Return whether the query is such a sum, without filter, order or skipped cells."""
    aggregation = query.aggregation
    asked = Aggregation(
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
    return bool(asked.group_by and asked.aggregates) and asked == aggregation


def aggregate(
    query: Query, table: Table, scratch: Path, memory: int
) -> tuple[Rows, Iterator[list[bytes]]]:
    """Add up every record; return how many there were, and the rows of the result in order.

    Those that break a rule are rejected, and not counted. `memory` is in bytes; runs are written
    to `scratch`. The decimal context must be `EXACT`, while rows are iterated over too.
    """
    groups = _Groups(scratch, memory)
    rows = groups.add_all(query, table)
    return rows, ([*split_key(key), _total(total, long)] for key, total, long in groups.sorted())


class _Groups:
    """Totals for each group, in memory as far as they fit."""

    def __init__(self, scratch: Path, memory: int) -> None:
        self._memory = memory
        self._totals: dict[bytes, int] = {}
        self._long: dict[bytes, Decimal] = {}
        self._runs: SortedRuns[Group] = SortedRuns(scratch, "run", _merged, _size_of, plain=True)

    def add_all(self, query: Query, table: Table) -> Rows:
        """Add every record that breaks no rule."""
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
        """Every group once, in order of its key."""
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
    """The digits of the sum of all."""
    if not any(long):
        return b"%d" % total
    return _digits(sum((Decimal(digits.decode()) for digits in long), Decimal(total)))


def _digits(value: Decimal) -> bytes:
    return format(value + _ZERO, "f").encode()


def _size_of(group: Group) -> int:
    key, total, long = group
    return len(key) + total.bit_length() // 8 + len(long) + _GROUP_COST
