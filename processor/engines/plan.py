"""Types that both plans of the DuckDB engine use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.dialect import STRICT

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.csv.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file."""

    fields: tuple[bytes, ...]
    """The names of the columns; `column1`, ... for a file without a header."""
    end: int
    """The offset of the first record below the header, in bytes."""
    ending: bytes
    dialect: Dialect = STRICT

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.fields)


class ProgressProbe:
    """The progress of a plan, which another thread may read at any time."""

    def __init__(self) -> None:
        self.done: Callable[[], int] = lambda: 0
        """Returns the bytes of the source read so far."""
        self.rows: Callable[[], tuple[int | None, bool]] = lambda: (None, False)
        """Returns the rows read so far without the header (None if unknown), and whether the number
        is an estimate."""
        self.dialect: Dialect | None = None
        """The dialect of the file, once it is known."""


class Inconclusive(Exception):
    """The fast plan cannot prove its result, so the exact plan must run. The message says why."""
