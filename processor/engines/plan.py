"""What the two plans of the DuckDB engine have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What a plan counted while it wrote a result."""

    rows_in: int
    rows_out: int


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file, as far as the plan needs it."""

    fields: tuple[bytes, ...]
    end: int
    """Bytes of the file up to the first byte of data."""
    ending: bytes
    quoted: bool

    @property
    def columns(self) -> int:
        """How many columns the file has."""
        return len(self.fields)


class Inconclusive(Exception):
    """The fast plan cannot vouch for its result; the exact plan decides. Says why."""
