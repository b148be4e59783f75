"""What a reader makes of a file, as a JSON object."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as a reader read it: its names and records, or why it was refused."""

    names: list[str] | None = None
    """The names of the columns; None if the reader found no header."""
    records: list[list[str]] | None = None
    """The records below the header, in any order; None if the file was refused."""
    told: str = ""
    """Why it was refused."""
    warnings: list[str] = field(default_factory=list)
    """The kinds of what the reader warns of."""


def read_all(read: Callable[[Path, bool | None], Reading]) -> None:
    """Read the files that standard input lists, and print a reading for each.

    A line of the input is a JSON list: the path of a file, and whether it has a header (null if the
    reader has to find that out). `read` raises an exception if it refuses a file.
    """
    for line in sys.stdin:
        path, header = json.loads(line)
        try:
            reading = read(Path(path), header)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is its refusal
            reading = Reading(told=f"{type(error).__name__}: {error}"[:200])
        sys.stdout.write(json.dumps(asdict(reading)) + "\n")


def split_header(rows: Sequence[Sequence[str]], *, header: bool) -> Reading:
    """Return the reading of all records of a file, of which the first one may be the header."""
    names = list(rows[0]) if header and rows else None
    return Reading(names, [list(row) for row in rows[1 if header else 0 :]])
