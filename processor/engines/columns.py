"""The columns of several files, which are matched by the names in their headers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from processor.engines.messages import Constant
from shared.aggregation.resolve import Combination
from shared.aggregation.spec import FILE_COLUMN
from shared.csv.problems import show
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.aggregation.resolve import Query, Restriction

MOST = 1 << 20
"""The most columns of all files together: as many as one file may have."""
_NAMED = 5
"""Columns that a message names."""


class Columns:
    """The columns of the first file, and those that others add to them.

    Without a header, columns are called `column1`, ...: they are matched by position.
    """

    def __init__(self, file: str, names: Sequence[str], *, union: bool) -> None:
        """`union`: whether files may have columns that others do not have."""
        self.names = list(names)
        """The names of all columns. The aggregation is resolved for them."""
        self._file = file
        self._first = list(names)
        self._union = union
        self._places = _occurrences(names)

    def add(self, file: str, names: Sequence[str], positions: Collection[int] = ()) -> None:
        """Check the header of a file, and add its columns if files may have others.

        `positions` are the columns, from 1, that the aggregation gives by position. Raises
        MalformedInput.
        """
        if self._first == names:
            return
        found = _occurrences(names)
        additional = [occurrence for occurrence in found if occurrence not in self._places]
        if not self._union:
            missing = [occurrence for occurrence in self._places if occurrence not in found]
            self._refuse_others(file, missing, additional)
        for position in positions:
            name = self.names[position - 1] if position <= len(self.names) else ""
            if (name, 1) in found or (name, 1) in self._places:
                raise MalformedInput(
                    f"{_quoted(file)} has its columns in another order than {_quoted(self._file)}, "
                    f"and several are called {_quoted(name)}: give them different names, or the "
                    "same order in all files"
                )
        for occurrence in additional:
            self._places[occurrence] = len(self.names)
            self.names.append(occurrence[0])
        if len(self.names) > MOST:
            raise MalformedInput(f"the files have more than {MOST:,} columns together")

    def _refuse_others(
        self, file: str, missing: list[tuple[str, int]], additional: list[tuple[str, int]]
    ) -> None:
        parts = [
            f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {what}"
            for names, what in ((missing, "missing"), (additional, "additional"))
            if names
        ]
        if parts:
            raise MalformedInput(
                f"{_quoted(file)} has other columns than {_quoted(self._file)}: "
                f"{' and '.join(parts)}; give all files the same columns, or set input.columns to "
                "'union', with which a column that a file does not have is empty there"
            )

    def located(
        self, query: Query, names: Sequence[str], file: str
    ) -> tuple[Query, list[Constant], list[int]]:
        """Return the query for a file that was added, whose header has these names.

        Then the columns of the query that are not in the file, which follow those of the file; and
        the numbers of all of these columns among those of all files, or none if they are the same.
        """
        if self._first == names:
            places: dict[int, int] = {}
            numbers = list(range(len(names)))
        else:
            numbers = [self._places[occurrence] for occurrence in _occurrences(names)]
            places = {number: i for i, number in enumerate(numbers)}
        constants: list[Constant] = []
        width = len(names)
        for column in sorted(_used(query)):
            if column in places or (not places and column < width):
                continue
            is_file = column == len(self.names)
            constants.append(
                Constant(FILE_COLUMN, file) if is_file else Constant(self.names[column], "")
            )
            places[column] = width + len(constants) - 1
            numbers.append(column)
        if numbers == list(range(len(numbers))):
            return query, constants, []
        return _moved(query, places), constants, numbers


def _occurrences(names: Sequence[str]) -> dict[tuple[str, int], int]:
    """Return the names with how often each was there before, and their places."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], int] = {}
    for i, name in enumerate(names):
        found[(name, seen[name])] = i
        seen[name] += 1
    return found


def _quoted(text: str) -> str:
    return show(text.encode())


def _listed(occurrences: list[tuple[str, int]]) -> str:
    shown = [_quoted(name) for name, _ in occurrences[:_NAMED]]
    if len(occurrences) > _NAMED:
        shown.append(f"{len(occurrences) - _NAMED:,} others")
    return ", ".join(shown)


def _used(query: Query) -> set[int]:
    found = {*query.group_by, *query.columns, *query.operands} - {None}
    columns = {column for column in found if column is not None}
    for restriction in (query.where, *query.filters):
        columns |= _of_restriction(restriction)
    return columns


def _of_restriction(restriction: Restriction | None) -> set[int]:
    if restriction is None:
        return set()
    if isinstance(restriction, Combination):
        return {column for part in restriction.parts for column in _of_restriction(part)}
    return {restriction.column}


def _moved(query: Query, places: dict[int, int]) -> Query:
    """Return the query with each column in its place; a column without one is where it was."""

    def place(column: int | None) -> int | None:
        return None if column is None else places.get(column, column)

    def moved(restriction: Restriction | None) -> Restriction | None:
        if restriction is None:
            return None
        if isinstance(restriction, Combination):
            parts = (moved(part) for part in restriction.parts)
            return replace(restriction, parts=tuple(part for part in parts if part is not None))
        return replace(restriction, column=places.get(restriction.column, restriction.column))

    return replace(
        query,
        group_by=tuple(places.get(column, column) for column in query.group_by),
        columns=tuple(map(place, query.columns)),
        operands=tuple(map(place, query.operands)),
        filters=tuple(map(moved, query.filters)),
        where=moved(query.where),
    )
