"""The kinds as which cells are read."""

from __future__ import annotations

from typing import Literal

Kind = Literal["number", "integer", "text", "date"]
"""As what a cell is read (docs/csv.md). A spec declares it; it is not guessed from the data."""
NUMERIC: frozenset[Kind] = frozenset({"number", "integer"})
Truncation = Literal["day", "week", "month", "year"]
"""The part of a date that groups are formed by."""
