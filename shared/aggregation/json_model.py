"""The model of a spec, the JSON of an aggregation: its keys, and the values that each may have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
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

from shared.aggregation.formats import DEFAULT_FORMAT, FormatName, formats_help
from shared.aggregation.functions import FUNCTIONS, AggregateFunction, Function, functions_help
from shared.aggregation.json_codec import DEFAULT_KEYS, aggregation_of_json
from shared.aggregation.json_filter import COLUMN_SCHEMA, MAX_ITEMS, ColumnIn, FilterIn
from shared.aggregation.json_input import InputIn
from shared.aggregation.json_object import JsonObject
from shared.aggregation.json_output import OutputOptionsIn
from shared.aggregation.kinds import NUMERIC, Kind, Truncation
from shared.aggregation.patterns import MAX_PATTERN, compile_pattern
from shared.aggregation.spec import (
    Aggregation,
    Case,
    DatePart,
    Normalize,
    OnWarning,
)

MAX_DEPTH = 32
MAX_SEPARATOR = 100
MAX_LENGTH_OF_TEXT = 1 << 26
"""The most characters of a text: those of the longest record."""
MAX_DECIMALS_OF_P = 6
_TAKES_PART = ("truncate", "part", "substring", "match")
"""Keys of a group column that take a part of the text; only one of them may be given."""


def _percentage(value: object) -> Decimal:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        # A spec in Python has floats, of which the shortest decimal is meant.
        number = Decimal(str(value))
        if 0 <= number <= 100 and number == round(number, MAX_DECIMALS_OF_P):
            return number
    raise ValueError(f"send a number from 0 to 100 with up to {MAX_DECIMALS_OF_P} decimals")


def _pattern(value: str) -> str:
    compile_pattern(value)
    return value


@dataclass(frozen=True)
class _OrShort:
    """Allows in the JSON Schema what `short` describes, in place of the object."""

    short: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [self.short, handler(core_schema)]}


_SOMETHING: list[Any] = [
    {"required": [key], "properties": {key: {"minItems": 1}}} for key in ("group_by", "aggregates")
]

PercentageIn = Annotated[
    Decimal,
    BeforeValidator(_percentage),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
PatternIn = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN), AfterValidator(_pattern)]
SubstringIn = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_LENGTH_OF_TEXT)]], Field(min_length=2, max_length=2)
]
Pair = Annotated[list[ColumnIn], Field(min_length=2, max_length=2)]
NormalizeIn = Annotated[
    Normalize, WithJsonSchema({"type": "string", "enum": list(get_args(Normalize))})
]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class ArithmeticIn(JsonObject):
    """A value computed from the numbers in two columns of a row. Has one of the operators."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    add: Pair | None = None
    """The sum of two columns"""
    subtract: Pair | None = None
    """The first column minus the second"""
    multiply: Pair | None = None
    """The product of two columns"""

    @model_validator(mode="after")
    def _check(self) -> ArithmeticIn:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("send one of add, subtract or multiply, with two columns")
        return self


class GroupColumnIn(JsonObject):
    """A column to group by. Its name or position alone is short for an object without options."""

    column: ColumnIn
    name: Name | None = None
    """The name of the output column; the default is that in the header"""
    truncate: Truncation | None = None
    """The cells are dates, and rows are grouped by this part of them"""
    case: Case | None = None
    """Converts the text to this case"""
    trim: bool = False
    """Removes blanks from both ends of the text"""
    part: DatePart | None = None
    """The cells are dates, and rows are grouped by this part of them, in digits"""
    substring: SubstringIn | None = None
    """The first character of the text to group by, counted from 1, and the number of characters"""
    match: PatternIn | None = None
    """A regular expression: its first group, or all that it matches; empty without a match"""
    normalize: NormalizeIn | None = None
    """Converts the text to Unicode Normalization Form C: a letter followed by a combining accent
    becomes one letter with this accent"""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, (str, int)) else value

    @model_validator(mode="after")
    def _check(self) -> GroupColumnIn:
        if self.truncate and self.case:
            raise ValueError("send truncate for dates or case for text, not both")
        given = [name for name in _TAKES_PART if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"send one of {', '.join(given)}")
        if given and self.normalize:
            raise ValueError(f"send {given[0]} or normalize, not both")
        return self


def _tag_of_aggregated(value: object) -> str:
    return "#arithmetic" if isinstance(value, (dict, ArithmeticIn)) else "#column"


AggregatedIn = Annotated[
    Annotated[ColumnIn, Tag("#column")] | Annotated[ArithmeticIn, Tag("#arithmetic")],
    Discriminator(_tag_of_aggregated),
]


class AggregateIn(JsonObject):
    """One computed output column."""

    function: Function = Field(description=f"What to compute. {functions_help()}")
    column: AggregatedIn | None = None
    """The column to compute it of, or arithmetic of two; without one, `count` counts rows"""
    name: Name | None = None
    """The name of the output column; the default is like `sum(Plays)`"""
    type: Kind | None = None
    """As what cells are read; the default is the first type of the function"""
    empty: Literal["skip", "fail"] = "skip"
    """Whether an empty cell is skipped, or is an error"""
    where: FilterIn | None = None
    """The records of the group from which it is computed; cells of others are not read"""
    p: PercentageIn | None = None
    """The percentage of `percentile`"""
    separator: Annotated[str, Field(max_length=MAX_SEPARATOR)] | None = None
    """Between the texts of `concat_distinct`"""
    of: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None
    """The names of the output columns that `ratio` divides"""

    @model_validator(mode="after")
    def _check(self) -> AggregateIn:
        function = FUNCTIONS[self.function]
        self._check_keys(function)
        if isinstance(self.column, ArithmeticIn):
            if not NUMERIC.issuperset(function.kinds) and "number" not in function.kinds:
                raise ValueError(f"send a column: {self.function} does not read numbers")
            if self.type not in (None, *NUMERIC):
                raise ValueError("send no type, or one of number, integer, with arithmetic")
        if self.column is None:
            if function.needs_column:
                raise ValueError(f"send the column for {self.function}")
            if self.type or self.empty != "skip":
                raise ValueError("send type and empty only with a column")
        elif self.type and self.type not in function.kinds:
            raise ValueError(
                f"send no type for {self.function}, or one of {', '.join(function.kinds)}"
            )
        return self

    def _check_keys(self, function: AggregateFunction) -> None:
        """Check the keys that only some functions have."""
        for each in FUNCTIONS.values():
            key = each.parameter
            if key is None or (key == function.parameter and key == "separator"):
                continue
            given = getattr(self, key) is not None
            if given and key != function.parameter:
                raise ValueError(f"send {key} only with {each.name}")
            if not given and key == function.parameter:
                raise ValueError(f"send {key} for {self.function}")
        if function.needs_where and self.where is None:
            raise ValueError(f"send where for {self.function}")
        if not function.reads_rows and (self.column is not None or self.where is not None):
            raise ValueError(f"send neither column nor where for {self.function}")


class OrderIn(JsonObject):
    """An output column to sort by. Its name alone is short for ascending order."""

    column: Name
    """The name of an output column"""
    descending: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value


class AggregationIn(JsonObject):
    """What to compute from a file."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _SOMETHING})

    group_by: list[Annotated[GroupColumnIn, _OrShort(COLUMN_SCHEMA)]] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )
    """Rows with equal values in these columns form a group, which is one row of the result. Without
    any, the whole file is one group"""
    aggregates: list[AggregateIn] = Field(default_factory=list, max_length=MAX_ITEMS)
    """What to compute for each group"""
    where: FilterIn | None = None
    """Selects records of the file"""
    having: FilterIn | None = None
    """Selects rows of the result; its columns are output columns"""
    order_by: list[Annotated[OrderIn, _OrShort({"type": "string"})]] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )
    """Output columns to sort by; rows with equal values are sorted by the group columns"""
    limit: int | None = Field(default=None, ge=1, le=(1 << 63) - 1)
    """The maximum number of rows of the result"""
    output: FormatName = Field(
        default=DEFAULT_FORMAT, description=f"The format of the result: {formats_help()}"
    )
    output_options: OutputOptionsIn | None = None
    """How the result is written"""
    input: InputIn | None = None
    """How the file is written; without any other key but `on_warning` and `output_options`, the
    default aggregation is computed"""
    on_warning: OnWarning = "report"
    """Whether a warning about the file is only in the report, or fails the job"""

    @model_validator(mode="after")
    def _check(self) -> AggregationIn:
        if not self.group_by and not self.aggregates and not self._is_default():
            raise ValueError("send group_by, aggregates, or both")
        return self

    def _is_default(self) -> bool:
        """Whether the spec means the default aggregation."""
        return bool(self.model_fields_set) and self.model_fields_set <= DEFAULT_KEYS

    def aggregation(self) -> Aggregation:
        """Return the aggregation that the JSON means."""
        return aggregation_of_json(self.model_dump(by_alias=True, exclude_unset=True))
