"""The aggregate functions. Everything that depends on a function reads this table.

To add a function, add its name and its line here, and its aggregator to `kernel/src/groups/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shared.aggregation.kinds import Kind

Function = Literal[
    "sum", "count", "count_distinct", "avg", "median", "min", "max", "first", "last",
    "variance", "stddev", "percentile", "mode", "concat_distinct", "count_if", "sum_if", "ratio",
]  # fmt: skip
Kept = Literal["all", "distinct", "counted"]
Parameter = Literal["p", "separator", "of"]
"""A key of a spec that one function has."""


@dataclass(frozen=True, slots=True)
class AggregateFunction:
    """What a function reads, what it gives, and what it needs to do so."""

    name: Function
    help: str
    kinds: tuple[Kind, ...]
    """The kinds as which it can read its column. The first one is the default."""
    gives: Kind | None = None
    """The kind of the result; None is the kind that was read."""
    needs_column: bool = True
    """Without a column, a function is given a value for every row."""
    keeps: Kept | None = None
    """Which values of a group it needs at the end, sorted; None if a running state is enough."""
    needs_position: bool = False
    """Whether the order of the rows in the file decides the result."""
    parameter: Parameter | None = None
    """The key of a spec that only this function has."""
    needs_where: bool = False
    """Whether it is given only the rows for which its own condition holds."""
    computed_as: Function | None = None
    """The function of the kernel that computes it; None is this one."""
    reads_rows: bool = True
    """Whether it is computed from rows, and not from other output columns."""

    def output_kind(self, kind: Kind | None) -> Kind:
        """Return the kind of the result if the column is read as `kind`."""
        return self.gives or kind or self.kinds[0]


_TABLE = (
    AggregateFunction("sum", "The sum of a column.", ("number", "integer")),
    AggregateFunction(
        "count",
        "The number of cells of a column that are not empty.",
        ("text",),
        gives="integer",
        needs_column=False,
    ),
    AggregateFunction(
        "count_distinct",
        "The number of different values in a column.",
        ("text", "number"),
        gives="integer",
        keeps="distinct",
    ),
    AggregateFunction("avg", "The mean of a column.", ("number", "integer"), gives="number"),
    AggregateFunction(
        "median", "The median of a column.", ("number", "integer"), gives="number", keeps="all"
    ),
    AggregateFunction("min", "The least value of a column.", ("number", "integer", "date", "text")),
    AggregateFunction(
        "max", "The greatest value of a column.", ("number", "integer", "date", "text")
    ),
    AggregateFunction(
        "first", "The first text of a column, in file order.", ("text",), needs_position=True
    ),
    AggregateFunction(
        "last", "The last text of a column, in file order.", ("text",), needs_position=True
    ),
    AggregateFunction(
        "variance", "The sample variance of a column.", ("number", "integer"), gives="number"
    ),
    AggregateFunction(
        "stddev", "The sample standard deviation of a column.", ("number", "integer"),
        gives="number",
    ),
    AggregateFunction(
        "percentile", "The value below which p percent of a column are, interpolated.",
        ("number", "integer"), gives="number", keeps="all", parameter="p",
    ),
    AggregateFunction(
        "mode", "The most frequent value of a column.", ("text", "number"), keeps="counted"
    ),
    AggregateFunction(
        "concat_distinct", "The different texts of a column, sorted, in one cell.", ("text",),
        keeps="distinct", parameter="separator",
    ),
    AggregateFunction(
        "count_if", "The number of rows for which `where` of the aggregate holds.", ("text",),
        gives="integer", needs_column=False, needs_where=True, computed_as="count",
    ),
    AggregateFunction(
        "sum_if", "The sum of a column in rows for which `where` of the aggregate holds.",
        ("number", "integer"), needs_where=True, computed_as="sum",
    ),
    AggregateFunction(
        "ratio", "The quotient of two output columns.", ("number",), gives="number",
        needs_column=False, parameter="of", reads_rows=False,
    ),
)  # fmt: skip
FUNCTIONS: dict[Function, AggregateFunction] = {each.name: each for each in _TABLE}


def functions_help() -> str:
    """Return all functions with their descriptions, for help texts."""
    return " ".join(f"`{each.name}`: {each.help}" for each in FUNCTIONS.values())
