"""As what the cells of a column are read."""

from __future__ import annotations

from typing import Literal

Kind = Literal["number", "integer", "text", "date"]
"""As what a cell is read (see docs/csv.md). It is always declared, never guessed from the data."""
Truncation = Literal["day", "week", "month", "year"]
"""How much of a date counts."""
