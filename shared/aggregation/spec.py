"""An aggregation: which rows, grouped by what, computing what, in what order. A value, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.aggregation.cells import Notation
from shared.aggregation.formats import DEFAULT_FORMAT, FormatName
from shared.aggregation.functions import FUNCTIONS, Function
from shared.csv.dialect import UNDECLARED, Input

if TYPE_CHECKING:
    from shared.aggregation.kinds import Kind, Truncation

Column = str | int
"""A column by its name in the header, or by its position, counted from 1."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with", "is_empty"]
Case = Literal["upper", "lower"]


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """A column to group by. Rows with the same text, after what is done to it, are one group."""

    column: Column
    name: str | None = None
    """Of the output column; None takes it from the header."""
    truncate: Truncation | None = None
    """The cells are dates, of which this much counts."""
    case: Case | None = None
    trim: bool = False
    """Blanks around the text do not count."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One output column that is computed of each group's rows."""

    function: Function
    column: Column | None = None
    """None only for `count`, which then counts rows."""
    name: str | None = None
    """Of the output column; None makes `sum(Plays)` of function and column."""
    kind: Kind | None = None
    """None if there is no column."""
    strict: bool = False
    """Whether an empty cell makes the file malformed; otherwise it is passed over."""

    @property
    def output_kind(self) -> Kind:
        """What the output column holds: `integer`, `number`, `date` or `text`."""
        return FUNCTIONS[self.function].output_kind(self.kind)


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a cell with values, which are text that `kind` says how to read.

    In `where` the column is one of the file, in `having` it is the name of an output column.
    """

    column: Column
    operator: Operator
    values: tuple[str, ...] = ()
    """Several for `in`, none for `is_empty`, else one."""
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Junction:
    """Filters of which all (`and`) or any (`or`) must hold, looked at from left to right."""

    operator: Literal["and", "or"]
    parts: tuple[Filter, ...]


Filter = Condition | Junction


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """An output column, by name, to sort the result by."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What to compute. Group columns come first in the output, aggregates follow."""

    group_by: tuple[GroupColumn, ...] = ()
    """None makes one row of the whole file."""
    aggregates: tuple[Aggregate, ...] = ()
    where: Filter | None = None
    """Which rows count."""
    having: Filter | None = None
    """Which rows of the result are kept."""
    order_by: tuple[OrderColumn, ...] = ()
    """What comes first; the group columns decide the rest."""
    limit: int | None = None
    """Rows of the result at the most."""
    output: FormatName = DEFAULT_FORMAT
    input: Input = UNDECLARED
    """How the file is written, as far as the client says."""

    @property
    def is_default(self) -> bool:
        """Whether it computes what clients get that ask for nothing, however the file is written.

        What is not declared of such a file is as RFC 4180 has it.
        """
        return replace(self, input=UNDECLARED) == SONG_PLAYS

    @property
    def known_input(self) -> Input:
        """`input`, and besides that there is a header if a column is named as in one."""
        if self.input.header is None and any(isinstance(name, str) for name in self.columns):
            return replace(self.input, header=True)
        return self.input

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file that it speaks of."""
        aggregated = (aggregate.column for aggregate in self.aggregates)
        return (
            *(group.column for group in self.group_by),
            *(column for column in aggregated if column is not None),
            *(condition.column for condition in conditions(self.where)),
        )

    @property
    def notation(self) -> Notation:
        """How the numbers in the file are written."""
        return Notation(self.input.decimal, self.input.thousands)

    @property
    def width(self) -> int:
        """How many columns the file has at the least, as far as positions tell."""
        return max((column for column in self.columns if isinstance(column, int)), default=1)


def conditions(condition: Filter | None) -> tuple[Condition, ...]:
    """Every condition within a filter, from left to right."""
    if condition is None:
        return ()
    if isinstance(condition, Condition):
        return (condition,)
    return tuple(found for part in condition.parts for found in conditions(part))


SONG_PLAYS = Aggregation(
    group_by=(GroupColumn(1, "Song"), GroupColumn(2, "Date")),
    aggregates=(
        Aggregate("sum", 3, "Total Number of Plays for Date", kind="integer", strict=True),
    ),
)
"""What existing clients get: `Song,Date,Number of Plays` summed for each song and date."""
