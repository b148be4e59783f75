"""The JSON of an aggregation: its keys, what each may hold, and what it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema  # noqa: TC002 - pydantic evaluates the annotations

from shared.aggregation import cells
from shared.aggregation.formats import DEFAULT_FORMAT, FormatName, formats_help
from shared.aggregation.functions import FUNCTIONS, Function, functions_help
from shared.aggregation.input_model import InputIn
from shared.aggregation.kinds import Kind, Truncation
from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Case,
    Column,
    Condition,
    Filter,
    GroupColumn,
    Junction,
    Operator,
    Order,
)
from shared.aggregation.wire_object import WireObject
from shared.csv.dialect import UNDECLARED

MAX_ITEMS = 256
"""Group columns, aggregates, order columns, or parts of one junction."""
MAX_VALUES = 10_000
MAX_POSITION = 1 << 20
MAX_DEPTH = 32

_READ: dict[Kind, Any] = {
    "number": cells.read_number,
    "integer": cells.read_integer,
    "date": cells.read_date,
    "text": lambda cell: cell,
}


def _column(value: object) -> Column:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_POSITION:
        return value
    if isinstance(value, str):
        return value
    raise ValueError(f"send a column's name, or its position from 1 to {MAX_POSITION}")


def _value(value: object) -> str | Decimal:
    """A value as text, or as the number that it is in JSON."""
    if isinstance(value, (str, Decimal)):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError("send a string or a number")


@dataclass(frozen=True)
class _OrShort:
    """Says in the JSON Schema that a string, or whatever `short` is, does for the object."""

    short: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [self.short, handler(core_schema)]}


_COLUMN_SCHEMA: dict[str, Any] = {
    "description": "A column's name in the header, or its position from 1",
    "anyOf": [
        {"type": "string"},
        {"type": "integer", "minimum": 1, "maximum": MAX_POSITION},
    ],
}
_SOMETHING: list[Any] = [
    {"required": [key], "properties": {key: {"minItems": 1}}} for key in ("group_by", "aggregates")
]

ColumnIn = Annotated[str | int, BeforeValidator(_column), WithJsonSchema(_COLUMN_SCHEMA)]
ValueIn = Annotated[str | Decimal, BeforeValidator(_value)]
ValuesIn = Annotated[
    Annotated[ValueIn, Tag("#one")]
    | Annotated[list[ValueIn], Field(min_length=1, max_length=MAX_VALUES), Tag("#several")],
    Discriminator(lambda value: "#several" if isinstance(value, list) else "#one"),
]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class GroupColumnIn(WireObject):
    """A column to group by; its name or position alone does for one without options."""

    column: ColumnIn
    name: Name | None = None
    """Of the output column; else that of the header"""
    truncate: Truncation | None = None
    """Of a date: what of it counts"""
    case: Case | None = None
    """Of text: it counts in this case"""
    trim: bool = False
    """Whether blanks around the text are left off"""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, (str, int)) else value

    @model_validator(mode="after")
    def _check(self) -> GroupColumnIn:
        if self.truncate and self.case:
            raise ValueError("send truncate for dates or case for text, not both")
        return self

    def value(self) -> GroupColumn:
        """The group column."""
        return GroupColumn(self.column, self.name, self.truncate, self.case, self.trim)


class AggregateIn(WireObject):
    """One computed output column."""

    function: Function = Field(description=f"What to compute. {functions_help()}")
    column: ColumnIn | None = None
    """What to compute it of; only `count` does without, and counts rows then"""
    name: Name | None = None
    """Of the output column; else `sum(Plays)`"""
    type: Kind | None = None
    """As what cells are read, if the function can read them as several"""
    empty: Literal["skip", "fail"] = "skip"
    """Whether an empty cell is passed over, or an error"""

    @model_validator(mode="after")
    def _check(self) -> AggregateIn:
        function = FUNCTIONS[self.function]
        if self.column is None:
            if function.needs_column:
                raise ValueError(f"send the column of which to compute {self.function}")
            if self.type or self.empty != "skip":
                raise ValueError("send type and empty with a column only: rows have neither")
        elif self.type and self.type not in function.kinds:
            raise ValueError(
                f"send for {self.function} no type, or one of {', '.join(function.kinds)}"
            )
        return self

    def value(self) -> Aggregate:
        """The aggregate, its kind decided."""
        kind = None if self.column is None else self.type or FUNCTIONS[self.function].kinds[0]
        return Aggregate(self.function, self.column, self.name, kind, strict=self.empty == "fail")


class ConditionIn(WireObject):
    """A comparison of a column with a value: as numbers if the value is a number in JSON."""

    column: ColumnIn
    op: Operator
    value: ValuesIn | None = None
    """A string or a number; a list with `in`; none with `is_empty`"""
    type: Kind | None = None
    """As what cells are read; else as `number` if the value is one, else as `text`"""

    @model_validator(mode="after")
    def _check(self) -> ConditionIn:
        if self.op == "is_empty":
            if self.value is not None or self.type is not None:
                raise ValueError("send neither value nor type with is_empty")
        elif self.value is None:
            raise ValueError(f"send the value to compare with by {self.op}")
        elif isinstance(self.value, list) != (self.op == "in"):
            raise ValueError("send a list of values with in, and one value with all others")
        self._check_values()
        return self

    def _check_values(self) -> None:
        if len({isinstance(value, Decimal) for value in self._values()}) > 1:
            raise ValueError("send numbers or strings in value, not both")
        kind = self._kind()
        if self.op in ("contains", "starts_with") and kind != "text":
            raise ValueError(f"send a string as value: {self.op} looks at text")
        if kind in ("text", "date") and any(isinstance(v, Decimal) for v in self._values()):
            raise ValueError(f"send value in quotes: it is to be compared as {kind}")
        for text in self._texts():
            if _READ[kind](text.encode()) is None:
                raise ValueError(f"send {cells.EXPECTED[kind]} as value")

    def _values(self) -> list[str | Decimal]:
        value = self.value
        return value if isinstance(value, list) else [] if value is None else [value]

    def _texts(self) -> tuple[str, ...]:
        return tuple(str(value) for value in self._values())

    def _kind(self) -> Kind:
        numbers = any(isinstance(value, Decimal) for value in self._values())
        return self.type or ("number" if numbers else "text")

    def filter(self) -> Filter:
        """The condition."""
        return Condition(self.column, self.op, self._texts(), self._kind())


class AndIn(WireObject):
    """All of these must hold."""

    all_of: list[FilterIn] = Field(alias="and", min_length=1, max_length=MAX_ITEMS)

    def filter(self) -> Filter:
        """The junction."""
        return Junction("and", tuple(part.filter() for part in self.all_of))


class OrIn(WireObject):
    """Any of these must hold."""

    any_of: list[FilterIn] = Field(alias="or", min_length=1, max_length=MAX_ITEMS)

    def filter(self) -> Filter:
        """The junction."""
        return Junction("or", tuple(part.filter() for part in self.any_of))


def _which(value: object) -> str:
    keys = value if isinstance(value, dict) else ()
    return "#and" if "and" in keys else "#or" if "or" in keys else "#condition"


FilterIn = Annotated[
    Annotated[AndIn, Tag("#and")]
    | Annotated[OrIn, Tag("#or")]
    | Annotated[ConditionIn, Tag("#condition")],
    Discriminator(_which),
]


class OrderIn(WireObject):
    """An output column to sort by; its name alone does for ascending order."""

    column: Name
    """The name of an output column"""
    descending: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value


class AggregationIn(WireObject):
    """What to compute of a file."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _SOMETHING})

    group_by: list[Annotated[GroupColumnIn, _OrShort(_COLUMN_SCHEMA)]] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )
    """Rows that are alike in these columns are one row of the result; none: all are"""
    aggregates: list[AggregateIn] = Field(default_factory=list, max_length=MAX_ITEMS)
    """What is computed of each group"""
    where: FilterIn | None = None
    """Which records of the file count"""
    having: FilterIn | None = None
    """Which rows of the result are kept; its columns are output columns"""
    order_by: list[Annotated[OrderIn, _OrShort({"type": "string"})]] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )
    """Output columns to sort by; then, and without, the group columns decide"""
    limit: int | None = Field(default=None, ge=1, le=(1 << 63) - 1)
    """Rows of the result at the most"""
    output: FormatName = Field(
        default=DEFAULT_FORMAT, description=f"The format of the result: {formats_help()}"
    )
    input: InputIn | None = None
    """How the file is written; alone, it leaves what to compute as it is is_default"""

    @model_validator(mode="after")
    def _check(self) -> AggregationIn:
        if not self.group_by and not self.aggregates and not self._is_default():
            raise ValueError("send group_by, aggregates, or both")
        return self

    def _is_default(self) -> bool:
        """Whether it only says how the file is written, and leaves open what to compute."""
        return self.model_fields_set == {"input"}

    def aggregation(self) -> Aggregation:
        """The value."""
        declared = self.input.value() if self.input else UNDECLARED
        if self._is_default():
            return replace(SONG_PLAYS, input=declared)
        return Aggregation(
            group_by=tuple(group.value() for group in self.group_by),
            aggregates=tuple(aggregate.value() for aggregate in self.aggregates),
            where=self.where.filter() if self.where else None,
            having=self.having.filter() if self.having else None,
            order_by=tuple(Order(order.column, order.descending) for order in self.order_by),
            limit=self.limit,
            output=self.output,
            input=declared,
        )
