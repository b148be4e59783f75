"""A preview of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, WithJsonSchema

from shared.api.view import View
from shared.jobs.preview import MAX_ROWS

Cell = Annotated[str | None, WithJsonSchema({"type": ["string", "number", "null"]})]


@dataclass(frozen=True, slots=True)
class PreviewColumnView(View):
    """A column of a result."""

    name: str
    """The name in the result."""
    type: Annotated[str, WithJsonSchema({"enum": ["text", "integer", "number", "date"]})]
    """What the column contains."""


@dataclass(frozen=True, slots=True)
class PreviewView(View):
    """The first rows of a result."""

    columns: tuple[PreviewColumnView, ...]
    rows: Annotated[tuple[list[Cell], ...], Field(json_schema_extra={"maxItems": MAX_ROWS})]
    """The rows, with a value or null for each column."""
    truncated: bool
    """Whether the result has more rows."""
