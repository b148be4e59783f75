"""What reading the input of an attempt gives, before its rows get the format of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processor.engines.messages import Message
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.jobs.report import InputReport
    from shared.jobs.warnings import Finding


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The result of the kernel is in the private folder of the attempt."""

    last: Message
    """The last event: `finished` or `malformed`."""
    query: Query | None
    """None if the file has no header that could be read."""
    names: Sequence[str]
    """The names of the columns that warnings name."""
    findings: Sequence[Finding]
    """What is doubtful in the files."""
    dialect: Dialect | None
    """Of the first file."""
    inputs: tuple[InputReport, ...] = ()
    """Of several files."""
    cluster: str | None = None
    """The kind of the cluster that read the file; None if this machine did."""
