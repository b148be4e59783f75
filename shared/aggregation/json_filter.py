"""The model of conditions in a spec, and of the columns that they and other keys name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from shared.aggregation import cells
from shared.aggregation.dates import read_moment
from shared.aggregation.json_object import JsonObject
from shared.aggregation.kinds import Kind
from shared.aggregation.spec import Column, Operator

MAX_ITEMS = 256
"""Group columns, aggregates, order columns, or parts of one `and` or `or`."""
MAX_VALUES = 10_000
MAX_POSITION = 1 << 20

_READ: dict[Kind, Any] = {
    "number": cells.read_number,
    "integer": cells.read_integer,
    "date": read_moment,
    "text": lambda cell: cell,
}


def _column(value: object) -> Column:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_POSITION:
        return value
    if isinstance(value, str):
        return value
    raise ValueError(f"send a column's name, or its position from 1 to {MAX_POSITION}")


def _value(value: object) -> str | Decimal:
    """Return a string as it is, and a JSON number as Decimal."""
    if isinstance(value, (str, Decimal)):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError("send a string or a number")


COLUMN_SCHEMA: dict[str, Any] = {
    "description": "A column's name in the header, or its position from 1",
    "anyOf": [
        {"type": "string"},
        {"type": "integer", "minimum": 1, "maximum": MAX_POSITION},
    ],
}

ColumnIn = Annotated[str | int, BeforeValidator(_column), WithJsonSchema(COLUMN_SCHEMA)]
ValueIn = Annotated[str | Decimal, BeforeValidator(_value)]
ValuesIn = Annotated[
    Annotated[ValueIn, Tag("#one")]
    | Annotated[list[ValueIn], Field(min_length=1, max_length=MAX_VALUES), Tag("#several")],
    Discriminator(lambda value: "#several" if isinstance(value, list) else "#one"),
]


class ConditionIn(JsonObject):
    """Compares a column with a value."""

    column: ColumnIn
    op: Operator
    value: ValuesIn | None = None
    """A string or a number; a list with `in`; none with `is_empty`"""
    type: Kind | None = None
    """As what cells are read; the default is `number` if the value is a JSON number, else `text`"""

    @model_validator(mode="after")
    def _check(self) -> ConditionIn:
        if self.op == "is_empty":
            if self.value is not None or self.type is not None:
                raise ValueError("send neither value nor type with is_empty")
        elif self.value is None:
            raise ValueError(f"send the value that {self.op} compares with")
        elif isinstance(self.value, list) != (self.op == "in"):
            raise ValueError("send a list of values with in, and one value with all others")
        self._check_values()
        return self

    def _check_values(self) -> None:
        if len({isinstance(value, Decimal) for value in self._values()}) > 1:
            raise ValueError("send numbers or strings in value, not both")
        kind = self._kind()
        if self.op in ("contains", "starts_with") and kind != "text":
            raise ValueError(f"send a string as value: {self.op} compares text")
        if kind in ("text", "date") and any(isinstance(v, Decimal) for v in self._values()):
            raise ValueError(f"send value as a string: it is compared as {kind}")
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


class AndIn(JsonObject):
    """All of these must hold."""

    all_of: list[FilterIn] = Field(alias="and", min_length=1, max_length=MAX_ITEMS)


class OrIn(JsonObject):
    """Any of these must hold."""

    any_of: list[FilterIn] = Field(alias="or", min_length=1, max_length=MAX_ITEMS)


class NotIn(JsonObject):
    """This must not hold. An empty cell that is compared as a number or date meets neither a
    condition nor its negation."""

    none_of: FilterIn = Field(alias="not")


def _filter_tag(value: object) -> str:
    if isinstance(value, AndIn | OrIn | NotIn):  # pydantic calls this with models, too
        return "#and" if isinstance(value, AndIn) else "#or" if isinstance(value, OrIn) else "#not"
    keys = value if isinstance(value, dict) else ()
    return next((f"#{key}" for key in ("and", "or", "not") if key in keys), "#condition")


FilterIn = Annotated[
    Annotated[AndIn, Tag("#and")]
    | Annotated[OrIn, Tag("#or")]
    | Annotated[NotIn, Tag("#not")]
    | Annotated[ConditionIn, Tag("#condition")],
    Discriminator(_filter_tag),
]
