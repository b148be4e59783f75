"""The messages between the DuckDB engine and its child process, as JSON lines."""

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
"""The file of the result, in the working folder of the child."""
REJECTS_NAME = "rejects.csv"
"""The file of the rejects, if there are any."""
PREVIEW_NAME = "preview.csv"
"""The file of the first rows, if they cannot be read from the result."""

EMPTY_REPORT = Report(dialect=None, unfinished=True)


@dataclass(frozen=True, slots=True)
class Task:
    """The work of a child process: the first line on its control pipe."""

    plan: Plan
    aggregation: Aggregation
    path: str | None
    """The file to read; None to read standard input."""
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
    """The maximum size of the source in bytes after decompression; None is no limit."""

    def encode(self) -> bytes:
        """Return the task as a line of JSON."""
        aggregation = encode_aggregation(self.aggregation)
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**fields, "aggregation": aggregation}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Task:
        """Return the task of a line that `encode` wrote."""
        fields = json.loads(line)
        return cls(aggregation=decode_aggregation(fields.pop("aggregation")), **fields)


@dataclass(frozen=True, slots=True)
class Advanced:
    """The progress and resource use of a child, sent regularly and before the last event."""

    done: int
    """Bytes of the source read so far."""
    rows: int | None = None
    """Rows read so far, without the header; None if unknown."""
    rows_estimated: bool = False
    peak_memory: int = 0
    """The peak of resident memory, in bytes."""
    peak_scratch: int = 0
    """The peak of the disk space of the folder, in bytes."""
    dialect: Dialect | None = None
    """The dialect of the file, once it is known."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result is complete. The last event of a child."""

    size: int
    sha256: str
    report: Report
    rejects_size: int = 0
    """Bytes of the file `REJECTS_NAME`; 0 without rejects."""
    rejects_sha256: str = ""
    preview_size: int = 0
    """Bytes of the file `PREVIEW_NAME`; 0 without a preview."""
    preview_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no result. The last event of a child."""

    kind: Literal["malformed", "failed", "inconclusive"]
    """`inconclusive`: the fast plan could not prove its result, so the exact plan must run."""
    reason: str
    report: Report = EMPTY_REPORT


Event = Advanced | Finished | Refused

_EVENTS: dict[str, type[Advanced | Finished | Refused]] = {
    event_type.__name__: event_type for event_type in (Advanced, Finished, Refused)
}


def encode_event(event: Event) -> bytes:
    """Return the event as a line of JSON."""
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if not isinstance(event, Advanced):
        fields["report"] = encode_report(event.report)
    elif event.dialect is not None:
        fields["dialect"] = dataclasses.asdict(event.dialect)
    return json.dumps({"event": type(event).__name__, **fields}).encode() + b"\n"


def decode_event(line: bytes) -> Event:
    """Return the event of a line. Raises ValueError or KeyError for other lines."""
    fields: dict[str, Any] = json.loads(line)
    event_type = _EVENTS[fields.pop("event")]
    if "report" in fields:
        fields["report"] = decode_report(fields["report"])
    if fields.get("dialect") is not None:
        fields["dialect"] = Dialect(**fields["dialect"])
    return event_type(**fields)
