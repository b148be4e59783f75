"""The column by which a preview is sorted: `order_by` of its URL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.results.preview_rows import Column

_SHOWN_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Order:
    """A column of a result, by its number or name, and a direction."""

    column: str
    """Digits are the number of the column, counted from 1; anything else is its name."""
    descending: bool

    @classmethod
    def of(cls, text: str) -> Order:
        """Read `order_by`: a number or a name, after `-` if the greatest value comes first."""
        return cls(text.removeprefix("-"), text.startswith("-"))

    def position_in(self, columns: Sequence[Column]) -> int:
        """Return the position of the column, counted from 0.

        Raises InvalidInput if there is no such column, or if several have this name.
        """
        if self.column.isascii() and self.column.isdigit():
            number = int(self.column) if len(self.column) < 10 else 0
            if 1 <= number <= len(columns):
                return number - 1
            raise self._refused(f"send a number from 1 to {len(columns)}, or a name")
        found = [i for i, column in enumerate(columns) if column.name == self.column]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = " or ".join(str(i + 1) for i in found)
            raise self._refused(f"several columns have this name; send a number, {numbers}")
        names = [json.dumps(column.name, ensure_ascii=False) for column in columns]
        shown = ", ".join(names[:_SHOWN_COLUMNS]) + (", ..." if len(names) > _SHOWN_COLUMNS else "")
        raise self._refused(
            f"send a number from 1 to {len(columns)}, or one of the names {shown}; put - before it "
            "for the greatest value first"
        )

    def _refused(self, what_to_send: str) -> InvalidInput:
        shown = json.dumps(self.column[:80], ensure_ascii=False)
        return InvalidInput(f"order_by names the column {shown}; {what_to_send}", field="order_by")
