"""A preview of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_args

from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import Truncation
from shared.api.described import AlsoJsonSchema, WithJsonSchema
from shared.api.view import Count, View
from shared.jobs.preview import MAX_ROWS

Cell = Annotated[str | None, WithJsonSchema({"type": ["string", "number", "null"]})]


@dataclass(frozen=True, slots=True)
class PreviewColumnView(View):
    """A column of a result."""

    name: str
    """The name in the result."""
    type: Annotated[str, WithJsonSchema({"enum": ["text", "integer", "number", "date"]})]
    """What the column contains."""
    function: Annotated[str | None, WithJsonSchema({"enum": [*FUNCTIONS, None]})] = None
    """The function that computed it; null for a group column."""
    truncate: Annotated[str | None, WithJsonSchema({"enum": [*get_args(Truncation), None]})] = None
    """The part of a date by which a group column groups; null for all others."""


@dataclass(frozen=True, slots=True)
class PreviewView(View):
    """The first rows of a result, or the first ones in another order."""

    columns: tuple[PreviewColumnView, ...]
    rows: Annotated[tuple[list[Cell], ...], AlsoJsonSchema({"maxItems": MAX_ROWS})]
    """The rows, with a value or null for each column."""
    truncated: bool
    """Whether the result has more rows."""
    total_rows: Count | None = None
    """The number of all rows of the result; null from a server that does not tell it."""
