"""What the two plans of the DuckDB engine have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.dialect import STRICT

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.csv.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a file, as far as the plan needs it: the first record, and what precedes."""

    fields: tuple[bytes, ...]
    """The columns' names, in the file or made up."""
    end: int
    """Bytes of the file up to the first byte of data."""
    ending: bytes
    dialect: Dialect = STRICT

    @property
    def columns(self) -> int:
        """How many columns the file has."""
        return len(self.fields)


class ProgressProbe:
    """What a plan tells of itself on the way; another thread may look at any time."""

    def __init__(self) -> None:
        self.done: Callable[[], int] = lambda: 0
        """Bytes of the source that have been read."""
        self.rows: Callable[[], tuple[int | None, bool]] = lambda: (None, False)
        """Rows that have been read, without the header, if that is known, and whether that is an
        estimate."""
        self.dialect: Dialect | None = None
        """How the file is written, once that is known."""


class Inconclusive(Exception):
    """The fast plan cannot vouch for its result; the exact plan decides. Says why."""
