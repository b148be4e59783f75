"""Groups with the sum of one column of integers, which is what most jobs ask for: made fast."""

from __future__ import annotations

import heapq
import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from processor.engines.keys import join_key, split_key
from processor.engines.runs import SortedRuns
from shared.aggregation.cells import CANONICAL, EXPECTED
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.problems import show
from shared.job_report import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.rejects import Table
    from shared.aggregation.resolve import Query

    Group = tuple[bytes, int]

_PLAIN_DIGITS = 18
"""Numbers up to this many digits cost what `_GROUP_COST` says."""
_GROUP_COST = 240
"""Bytes of memory for a group besides its text: entries of dictionary and list, object heads."""

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch


def suffices(query: Query) -> bool:
    """Whether this is all that a query asks for: nothing filtered, sorted or passed over."""
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
    to `scratch`.
    """
    groups = _Groups(scratch, memory)
    rows = groups.add_all(query, table)
    return rows, ([*split_key(key), b"%d" % total] for key, total in groups.sorted())


class _Groups:
    """Totals for each group, in memory as far as they fit."""

    def __init__(self, scratch: Path, memory: int) -> None:
        self._memory = memory
        self._totals: dict[bytes, int] = {}
        self._runs: SortedRuns[Group] = SortedRuns(scratch, "run", _merged, _size_of, plain=True)

    def add_all(self, query: Query, table: Table) -> Rows:
        """Add every record that breaks no rule."""
        group_by, sum_of = query.group_by, query.columns[0] or 0
        reader, width, doom = table.reader, table.width, table.doom
        totals = self._totals
        unasked = query.aggregation.unasked
        rows = used = 0
        for _, fields in table.records:
            if len(fields) != width:
                reader.reject_ragged(fields, width)
                continue
            text = fields[sum_of]
            if not text.isdigit() and not _is_integer(text):
                told = CANONICAL.expected_of("integer", text)
                reader.reject(sum_of + 1, show(text), EXPECTED["integer"] if unasked else told)
                continue
            rows += 1
            if doom:
                continue
            key = join_key([fields[column] for column in group_by])
            if len(text) > _PLAIN_DIGITS:
                used += len(text)
            if key in totals:
                totals[key] += int(text)
            else:
                totals[key] = int(text)
                used += _GROUP_COST + len(key)
            if used > self._memory:
                self._runs.spill(self._sorted_in_memory())
                totals.clear()
                used = 0
        return Rows(aggregated=rows)

    def sorted(self) -> Iterator[Group]:
        """Every group once, in order of its key."""
        return self._runs.merged_with(self._sorted_in_memory())

    def _sorted_in_memory(self) -> Iterator[Group]:
        totals = self._totals
        return ((key, totals[key]) for key in sorted(totals))


def _merged(runs: list[Iterator[Group]]) -> Iterator[Group]:
    for key, same in groupby(heapq.merge(*runs), key=itemgetter(0)):
        yield key, sum(total for _, total in same)


def _size_of(group: Group) -> int:
    return len(group[0]) + group[1].bit_length() // 8 + _GROUP_COST
