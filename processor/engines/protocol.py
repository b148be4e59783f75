"""What the DuckDB engine and its child process say to each other: JSON, one object a line."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.csv.dialect import Dialect
from shared.jobs.report import Report, decode_report, encode_report

if TYPE_CHECKING:
    from shared.jobs.job import Aggregation

Plan = Literal["fast", "exact"]

RESULT_NAME = "result"
"""The file, in the child's working folder, that holds the result."""
REJECTS_NAME = "rejects.csv"
"""The same of the rejects, if there are any."""
PREVIEW_NAME = "preview.csv"
"""The same of the first rows, if they cannot be read from the result."""


NOTHING_FOUND = Report(dialect=None, unfinished=True)


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do. It is the first line on the child's control pipe."""

    plan: Plan
    aggregation: Aggregation
    path: str | None
    """The file to read; None if the bytes come on standard input."""
    size: int
    """Bytes of the source."""
    memory: int
    """Bytes of resident memory that the child may use."""
    scratch: int
    """Bytes of disk that the child may use in its folder."""
    threads: int
    csv_buffer: int | None = None
    """Bytes of a buffer of DuckDB's CSV reader; None is its default."""
    max_decompressed: int | None = None
    """Bytes that the source may hold once it is decompressed."""

    def encode(self) -> bytes:
        """The task as a line."""
        aggregation = encode_aggregation(self.aggregation)
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**fields, "aggregation": aggregation}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Task:
        """The inverse of `encode`."""
        fields = json.loads(line)
        return cls(aggregation=decode_aggregation(fields.pop("aggregation")), **fields)


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far the child is, and what it has used: with every look, and before the last event."""

    done: int
    """Bytes of the source that have been read."""
    rows: int | None = None
    """Rows that have been read, without the header; None where that is not known."""
    rows_estimated: bool = False
    peak_memory: int = 0
    """Bytes that have been resident at a time."""
    peak_scratch: int = 0
    """Bytes of disk that have been seen in the folder at a time."""
    dialect: Dialect | None = None
    """How the file is written, once that is known."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result is whole. The child's last event."""

    size: int
    sha256: str
    report: Report
    rejects_size: int = 0
    """Bytes of the file `REJECTS_NAME`; 0 if there is none."""
    rejects_sha256: str = ""
    preview_size: int = 0
    """Bytes of the file `PREVIEW_NAME`; 0 if there is none."""
    preview_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no result. The child's last event."""

    why: Literal["malformed", "failed", "inconclusive"]
    """Inconclusive: the fast plan leaves the file to the exact plan."""
    reason: str
    report: Report = NOTHING_FOUND


Event = Advanced | Finished | Refused

_EVENTS: dict[str, type[Advanced | Finished | Refused]] = {
    kind.__name__: kind for kind in (Advanced, Finished, Refused)
}


def encode_event(event: Event) -> bytes:
    """The event as a line."""
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if not isinstance(event, Advanced):
        fields["report"] = encode_report(event.report)
    elif event.dialect is not None:
        fields["dialect"] = dataclasses.asdict(event.dialect)
    return json.dumps({"event": type(event).__name__, **fields}).encode() + b"\n"


def decode_event(line: bytes) -> Event:
    """The inverse of `encode_event`. Raises ValueError or KeyError for anything else."""
    fields: dict[str, Any] = json.loads(line)
    kind = _EVENTS[fields.pop("event")]
    if "report" in fields:
        fields["report"] = decode_report(fields["report"])
    if fields.get("dialect") is not None:
        fields["dialect"] = Dialect(**fields["dialect"])
    return kind(**fields)
