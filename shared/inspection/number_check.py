"""Find out whether the numbers of a column may be written in another notation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.aggregation.cells import Notation, looks_numeric
from shared.aggregation.decorations import undecorated
from shared.aggregation.missing import MISSING_AMONG_VALUES
from shared.csv.problems import show
from shared.jobs.warnings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

_is_grouped = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}").fullmatch
"""A number that has either decimals or a thousands separator, as it was read."""


class NumberCheck:
    """Sees the different cells of a column."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._number = notation.readers["number"]
        self._unread: bytes | None = None
        self._hint: str | None = None
        self._line = 0
        self._grouped: list[bytes] = []
        self._refuted = bool(notation.thousands)
        self._figures = True

    def add(self, line: int, cell: bytes) -> None:
        """Check a cell that is not empty, on the line where it is first."""
        if not self._figures:
            return
        number = self._number(cell)
        if number is None:
            bare = undecorated(cell)
            if bare is None or not looks_numeric(bare.number):
                self._figures = cell.lower() in MISSING_AMONG_VALUES
            # `1,234` has two readings; another cell may have only one.
            elif self._hint is None or " or " in self._hint:
                self._unread, self._hint = cell, self._notation.hint("number", cell)
        elif not self._refuted:
            text = f"{number:f}"
            if _is_grouped(text):
                self._line = self._line or line
                self._grouped.append(cell)
            else:
                self._refuted = "." in text

    def note(self, kind: str) -> str | None:
        """Return what to declare if the cells of a column of text are numbers, or None."""
        if not self._figures or kind != "text" or self._unread is None or self._hint is None:
            return None
        return f"{show(self._unread)} is read as text; if it is a number, set {self._hint}"

    def findings(self, position: int, counts: Mapping[bytes, int]) -> list[Finding]:
        """Return whether the numbers of the column at `position`, from 1, may be integers.

        `counts` is how often each cell occurs. The rule is that of the engine: docs/report.md.
        """
        if self._refuted or not self._grouped:
            return []
        count = sum(counts[cell] for cell in self._grouped)
        others = sum(counts.values()) - count
        example = show(self._grouped[0])
        return [Finding("grouped_integers", count, others, self._line, position, example)]
