"""The kinds as which cells are read."""

from __future__ import annotations

from typing import Literal

Kind = Literal["number", "integer", "text", "date"]
"""The type as which a cell is read (docs/aggregation.md). The spec sets it; it is not detected."""
NUMERIC: frozenset[Kind] = frozenset({"number", "integer"})
Truncation = Literal["hour", "day", "week", "month", "quarter", "year"]
"""The part of a date by which rows are grouped."""
