"""Compute any aggregation in Python: every function, group column, filter and order.

Each group has one state per aggregate. The values of an aggregate that needs all of them (`median`,
`count_distinct`) are sorted separately, in the order of the groups, and read at the end.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from processor.engines.accumulators import accumulator
from processor.engines.keys import join_key, split_key
from processor.engines.ordering import ordered
from processor.engines.restriction import Unreadable, predicate
from processor.engines.row_reader import BadCell, RowReader
from processor.engines.runs import SortedRuns, merge_groups
from processor.engines.values import Values
from shared.aggregation.cells import EXACT as EXACT
from shared.aggregation.functions import FUNCTIONS
from shared.csv.problems import show
from shared.jobs.report import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.accumulators import Accumulator
    from processor.engines.rejects import Table
    from shared.aggregation.resolve import Query

    State = list[Any]
    Group = tuple[bytes, State]

_PLAIN_LENGTH = 18
"""`_STATE_COST` includes the memory of a cell up to this size in bytes."""
_GROUP_COST, _STATE_COST = 300, 160
"""Bytes of memory for a group without its text, and for each of its states."""


def aggregate(
    query: Query, table: Table, scratch: Path, memory: int
) -> tuple[Rows, Iterator[list[bytes]]]:
    """Aggregate all records. Return the counts of rows, and the rows of the result in order.

    Bad records are rejected, and not counted. `memory` is in bytes. Runs are written to `scratch`.
    The decimal context must be `EXACT` until all rows have been read.
    """
    share = memory // 2 if query.order_by else memory
    # Groups, kept values and rows are read at the same time.
    kept = sum(FUNCTIONS[a.function].keeps is not None for a in query.aggregation.aggregates)
    concurrent = kept + bool(query.order_by)
    groups = _Groups(query, scratch, share, concurrent)
    read = groups.add_all(table)
    rows = groups.rows()
    if query.having is not None:
        rows = filter(predicate(query.having), rows)
    return read, ordered(query, rows, scratch, share, concurrent)


class _Groups:
    """The states of all groups, in memory and on disk."""

    def __init__(self, query: Query, scratch: Path, memory: int, concurrent: int) -> None:
        aggregates = query.aggregation.aggregates
        self._query = query
        self._accumulators: list[Accumulator] = [accumulator(a) for a in aggregates]
        keeps = [FUNCTIONS[a.function].keeps for a in aggregates]
        keeping = [i for i, kept in enumerate(keeps) if kept]
        self._memory = memory // (1 + len(keeping))
        self._values = {
            i: Values(
                scratch,
                f"values-{i}",
                self._memory,
                distinct=keeps[i] == "distinct",
                concurrent=concurrent,
            )
            for i in keeping
        }
        self._states: dict[bytes, State] = {}
        self._runs: SortedRuns[Group] = SortedRuns(
            scratch,
            "run",
            partial(merge_groups, combine=self._merge),
            _size_of,
            concurrent=concurrent,
        )

    def add_all(self, table: Table) -> Rows:
        """Add all records that are neither bad nor filtered out."""
        query = self._query
        reader, width, fatal = table.reader, table.width, table.fatal
        row_reader = RowReader(query)
        notation = query.aggregation.notation
        included = None if query.where is None else predicate(query.where, notation)
        adders = [accumulator.add for accumulator in self._accumulators]
        empty = [None] * len(adders)
        keeping = list(self._values.items())
        states = self._states
        new_group = _GROUP_COST + _STATE_COST * len(adders)
        rows = filtered = used = 0
        for _, fields in table.records:
            if len(fields) != width:
                reader.reject_ragged(fields, width)
                continue
            try:
                if included is not None and not included(fields):
                    filtered += 1
                    continue
                group = row_reader.group(fields)
                values = row_reader.values(rows, fields)
            except Unreadable as error:
                cell = fields[error.column]
                expected = notation.expected(error.kind) + " for the comparison in where"
                if hint := notation.hint(error.kind, cell):
                    expected += f"; if it is one, set {hint}"
                reader.reject(error.column + 1, show(cell), expected)
                continue
            except BadCell as error:
                reader.reject(error.column + 1, show(fields[error.column]), error.expected)
                continue
            rows += 1
            if fatal:
                continue
            key = join_key(group)
            state = states.get(key)
            if state is None:
                state = states[key] = empty.copy()
                used += new_group + len(key)
            for i, value in enumerate(values):
                if value is not None:
                    state[i] = adders[i](state[i], value)
            used += row_reader.bytes_of_long_cells(fields, _PLAIN_LENGTH)
            for i, kept in keeping:
                if values[i] is not None:
                    kept.add(key, values[i])
            if used > self._memory:
                self._runs.spill(self._sorted_in_memory())
                states.clear()
                used = 0
        return Rows(aggregated=rows, filtered=filtered)

    def rows(self) -> Iterator[list[bytes]]:
        """Yield the rows of the result in order of the group columns."""
        query = self._query
        groups = self._runs.merged_with(self._sorted_in_memory())
        if not query.group_by:
            # Without group columns there is always one row.
            groups = iter([next(groups, (b"", [None] * len(self._accumulators)))])
        kept = {i: values.by_key() for i, values in self._values.items()}
        none: Iterator[Any] = iter(())
        finishers = [
            (accumulator.finish, kept.get(i)) for i, accumulator in enumerate(self._accumulators)
        ]
        for key, state in groups:
            row = split_key(key) if query.group_by else []
            for (finish, values), value in zip(finishers, state, strict=True):
                row.append(finish(value, none if values is None else values.of(key)))
            yield row

    def _sorted_in_memory(self) -> Iterator[Group]:
        states = self._states
        return ((key, states[key]) for key in sorted(states))

    def _merge(self, states: Iterator[State]) -> State:
        merged = next(states)
        for state in states:
            both = zip(self._accumulators, merged, state, strict=True)
            merged = [_merged(accumulator, a, b) for accumulator, a, b in both]
        return merged


def _merged(accumulator: Accumulator, state: Any, other: Any) -> Any:
    if state is None or other is None:
        return other if state is None else state
    return accumulator.merge(state, other)


def _size_of(group: Group) -> int:
    key, state = group
    return _GROUP_COST + _STATE_COST * len(state) + len(key) + sum(map(_size_of_state, state))


def _size_of_state(state: Any) -> int:
    """Return the bytes of the text and the decimals in a state."""
    if isinstance(state, tuple):
        return sum(map(_size_of_state, state))
    return state.__sizeof__() if isinstance(state, (bytes, Decimal)) else 0
