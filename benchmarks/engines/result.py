"""Compares results by digests that do not depend on how an engine writes CSV.

Names of columns, which each engine makes itself, are left out, and so is the way of quoting. What
remains of a cell depends on the kind of its column:

- `text`: its characters.
- `number`: its value, so that `12.50` and `12.5` are equal, and `3` and `3.0`.
- `mean`: not in the digest, as most engines compute averages in floating point, and with different
  numbers of decimals. Averages are equal if they differ by a millionth at most.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from itertools import starmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TOLERANCE = 1.01e-6
"""A millionth, and what floating point adds to it."""


@dataclass(frozen=True, slots=True)
class Content:
    """The values of a result."""

    digest: str
    """Of all cells but averages."""
    means: list[float]

    def same(self, other: Content) -> bool:
        """Whether another result has the same values."""
        return (
            self.digest == other.digest
            and len(self.means) == len(other.means)
            and all(
                abs(mine - its) <= _TOLERANCE
                for mine, its in zip(self.means, other.means, strict=True)
            )
        )


def content(path: Path, kinds: Sequence[str]) -> Content:
    """Return the values of a result whose columns have these kinds."""
    found = hashlib.sha256()
    means = []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            cells = list(zip(row, kinds, strict=True))
            means += [float(cell) for cell, kind in cells if cell and kind == "mean"]
            found.update("\x1f".join(starmap(_canonical, cells)).encode() + b"\x1e")
    return Content(found.hexdigest(), means)


def bytes_digest(path: Path) -> str:
    """Return the digest of all bytes but the first line, which is much faster to compute."""
    with path.open("rb") as file:
        file.readline()
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(cell: str, kind: str) -> str:
    if kind == "text" or not cell:
        return cell
    if kind == "mean":
        return "a mean"
    return cell if cell.isdigit() and cell[0] != "0" else f"{Decimal(cell).normalize():f}"
