"""How often something doubtful was seen, and where first."""

from __future__ import annotations

from dataclasses import dataclass

from shared.csv.problems import show
from shared.jobs.warnings import Finding


@dataclass(slots=True)
class Tally:
    """Counts what was seen of one kind of warning."""

    kind: str
    """A key of `shared.jobs.warnings.KINDS`."""
    count: int = 0
    line: int = 0
    column: int | None = None
    """From 0; None if the whole record is meant."""
    text: bytes = b""
    """The first one."""

    def add(self, line: int, column: int | None, text: bytes) -> None:
        """Count one more, which is on or after the line of the others."""
        if not self.count:
            self.line, self.column, self.text = line, column, text
        self.count += 1

    def add_record(self, line: int, cells: list[bytes], delimiter: bytes) -> None:
        """Count one more record."""
        if not self.count:
            self.line, self.text = line, delimiter.join(cells)
        self.count += 1

    def findings(self, others: int = 0) -> list[Finding]:
        """Return what to warn of, if anything was seen."""
        if not self.count:
            return []
        column = None if self.column is None else self.column + 1
        return [Finding(self.kind, self.count, others, self.line, column, show(self.text))]
