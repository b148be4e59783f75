"""The aggregation as a value: filters, group columns, aggregates and order."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

from shared.aggregation.cells import Notation
from shared.aggregation.date_format import DateFormat
from shared.aggregation.formats import DEFAULT_FORMAT, FormatName
from shared.aggregation.functions import FUNCTIONS, Function
from shared.csv.dialect import UNDECLARED, Input

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.aggregation.decorations import Decoration
    from shared.aggregation.kinds import Kind, Truncation
    from shared.csv.dialect import Dialect

Column = str | int
"""A column by its name in the header, or by its position, counted from 1."""
FILE_COLUMN = "@file"
"""The name of the column that has the name of the file, in all records of it."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with", "is_empty"]
Case = Literal["upper", "lower"]
DatePart = Literal["year", "month", "day", "hour", "weekday"]
"""A part of a date, in digits; weekdays are counted from 1, Monday (ISO 8601)."""
ArithmeticOperator = Literal["add", "subtract", "multiply"]
ARITHMETIC: dict[ArithmeticOperator, str] = {"add": "+", "subtract": "-", "multiply": "*"}
"""The operators, and how names of output columns show them."""
DEFAULT_SEPARATOR = "; "
"""Between the texts of `concat_distinct`."""
Normalize = Literal["nfc"]
OnWarning = Literal["report", "fail"]


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """A column to group by. Rows with the same text, after its conversion, form a group."""

    column: Column
    name: str | None = None
    """The name of the output column; None takes it from the header."""
    truncate: Truncation | None = None
    """Read the cells as dates, and group by this part of them."""
    case: Case | None = None
    trim: bool = False
    """Remove blanks from both ends of the text."""
    part: DatePart | None = None
    """Read the cells as dates, and group by this part of them."""
    substring: tuple[int, int] | None = None
    """The first character, counted from 1, and the number of characters."""
    match: str | None = None
    """A regular expression: its first group, or all that it matches."""
    normalize: Normalize | None = None
    """Convert the text to this normalization form of Unicode."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A value computed from the numbers in two columns of a row."""

    operator: ArithmeticOperator
    left: Column
    right: Column


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One output column, computed from the rows of each group."""

    function: Function
    column: Column | Arithmetic | None = None
    """None only for a function that needs no column: `count` then counts rows."""
    name: str | None = None
    """The name of the output column; None makes one like `sum(Plays)`."""
    kind: Kind | None = None
    """The kind as which cells are read; None without a column."""
    strict: bool = False
    """Whether an empty cell is an error; otherwise it is skipped."""
    where: Filter | None = None
    """The rows from which it is computed; None is all of the group."""
    p: str | None = None
    """The percentage of `percentile`, a decimal number without trailing zeros."""
    separator: str | None = None
    """Between the texts of `concat_distinct`; None is `DEFAULT_SEPARATOR`."""
    of: tuple[str, str] | None = None
    """The output columns that `ratio` divides."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file that it reads."""
        of_where = tuple(condition.column for condition in conditions(self.where))
        if isinstance(self.column, Arithmetic):
            return (self.column.left, self.column.right, *of_where)
        return of_where if self.column is None else (self.column, *of_where)

    @property
    def joined_by(self) -> str:
        """What is between the texts of `concat_distinct`."""
        return DEFAULT_SEPARATOR if self.separator is None else self.separator

    def default_name(self, name_of: Callable[[Column], str]) -> str:
        """Return the name of the output column if the spec gives none, like `sum(Plays)`.

        `name_of` returns the name of a column of the file.
        """
        if self.of is not None:
            return f"{self.function}({'/'.join(self.of)})"
        function = self.function if self.p is None else f"p{self.p}"
        if self.column is None:
            return function
        if isinstance(self.column, Arithmetic):
            left, right = name_of(self.column.left), name_of(self.column.right)
            return f"{function}({left}{ARITHMETIC[self.column.operator]}{right})"
        return f"{function}({name_of(self.column)})"

    @property
    def output_kind(self) -> Kind:
        """The kind of the output column: `integer`, `number`, `date` or `text`."""
        return FUNCTIONS[self.function].output_kind(self.kind)


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a cell with values, both read as `kind`.

    In `where` the column is one of the file; in `having` it is the name of an output column.
    """

    column: Column
    operator: Operator
    values: tuple[str, ...] = ()
    """Several for `in`, none for `is_empty`, else one."""
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Junction:
    """Filters of which all (`and`) or any (`or`) must hold, evaluated from left to right."""

    operator: Literal["and", "or"]
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """A filter that must not hold.

    An empty cell that is compared as a number or date meets neither a condition nor its negation,
    as in SQL.
    """

    part: Filter


Filter = Condition | Junction | Negation


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """An output column, by name, to sort the result by."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What to compute. Group columns come first in the output, aggregates follow."""

    group_by: tuple[GroupColumn, ...] = ()
    """Empty: the whole file is one group."""
    aggregates: tuple[Aggregate, ...] = ()
    where: Filter | None = None
    """Selects rows of the file."""
    having: Filter | None = None
    """Selects rows of the result."""
    order_by: tuple[OrderColumn, ...] = ()
    """Rows that are equal here are sorted by the group columns."""
    limit: int | None = None
    """The maximum number of rows of the result."""
    output: FormatName = DEFAULT_FORMAT
    escape_formulas: bool = False
    """Whether texts of CSV that a spreadsheet may take for formulas get an apostrophe."""
    input: Input = UNDECLARED
    """The dialect that the client declares."""
    on_warning: OnWarning = "report"
    """Whether a warning is only in the report, or also fails the job."""

    @property
    def is_default(self) -> bool:
        """Whether this is the default, `SONG_PLAYS`, with any `input`, `on_warning` and
        `escape_formulas`.

        Its dialect is not detected: what is not declared follows RFC 4180.
        """
        return all(getattr(self, name) == getattr(SONG_PLAYS, name) for name in _OF_QUESTION)

    @property
    def known_input(self) -> Input:
        """`input`, with a header if it says where, or if the aggregation names a column."""
        given = self.input.header_line is not None or self.input.header_starts_with
        if self.input.header is None and (given or self.named_columns):
            return replace(self.input, header=True)
        return self.input

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file that the aggregation reads."""
        return (
            *(group.column for group in self.group_by),
            *(column for aggregate in self.aggregates for column in aggregate.columns),
            *(condition.column for condition in conditions(self.where)),
        )

    @property
    def named_columns(self) -> frozenset[str]:
        """The columns of the file that are given by name."""
        named = (column for column in self.columns if isinstance(column, str))
        return frozenset(named) - {FILE_COLUMN}

    @property
    def reads_file_name(self) -> bool:
        """Whether the result depends on the names of the files."""
        return FILE_COLUMN in self.columns

    @property
    def notation(self) -> Notation:
        """How numbers and dates in the file are written."""
        return notation_of(self.input)

    @property
    def width(self) -> int:
        """The highest position of a column: the file must have at least as many columns."""
        return max((column for column in self.columns if isinstance(column, int)), default=1)


def notation_of(written: Input | Dialect) -> Notation:
    """Return how numbers and dates are written."""
    number = written.number
    allowed: dict[Decoration, bool] = {
        "currency": number.currency,
        "percent": number.percent,
        "parentheses": number.parentheses == "negative",
    }
    decorations = frozenset(name for name, value in allowed.items() if value)
    return Notation(written.decimal, written.thousands, decorations, DateFormat(written.date))


def conditions(condition: Filter | None) -> tuple[Condition, ...]:
    """Return all conditions of a filter, from left to right."""
    if condition is None:
        return ()
    if isinstance(condition, Condition):
        return (condition,)
    if isinstance(condition, Negation):
        return conditions(condition.part)
    return tuple(found for part in condition.parts for found in conditions(part))


SONG_PLAYS = Aggregation(
    group_by=(GroupColumn(1, "Song"), GroupColumn(2, "Date")),
    aggregates=(
        Aggregate("sum", 3, "Total Number of Plays for Date", kind="integer", strict=True),
    ),
)
"""The default: `Number of Plays` summed for each song and date of `Song,Date,Number of Plays`."""
_OF_QUESTION = tuple(
    field.name
    for field in fields(Aggregation)
    if field.name not in ("input", "on_warning", "escape_formulas")
)
"""The fields of an aggregation that do not depend on the file, or on who reads the result."""
