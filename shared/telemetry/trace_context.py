"""The trace that a request belongs to (W3C Trace Context, Level 1).

csvmill records no spans. It passes the trace on unchanged, which the recommendation allows, and
writes the trace id into every log line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace_id>[0-9a-f]{32})-(?P<parent_id>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_KNOWN_FLAGS = 0x01
"""`sampled`, the only flag of version 00."""
_MEMBER = re.compile(
    r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MOST_MEMBERS = 32
_LONGEST_STATE = 512
"""The most characters of `tracestate`; a longer one is dropped."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace of a request, and the caller's span in it."""

    trace_id: str
    """32 lower-case hex digits."""
    parent_id: str
    """16 lower-case hex digits: the id of the caller's span."""
    flags: str = "00"
    """2 lower-case hex digits."""
    state: str = ""
    """`tracestate`, the data of tracing systems; may be empty."""

    @property
    def traceparent(self) -> str:
        """The value of the header, in version 00."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"


def parse_trace(
    traceparents: Sequence[str], tracestates: Sequence[str] = ()
) -> TraceContext | None:
    """Return the trace in the lines of the two headers; None if there is none.

    A malformed, all-zero or repeated `traceparent` is ignored, and so is version ff. Of a later
    version, the fields of version 00 are used (section 3.2). Only a malformed `tracestate` itself
    is dropped (section 3.3).
    """
    if len(traceparents) != 1:
        return None
    match = _TRACEPARENT.fullmatch(traceparents[0].strip(" \t"))
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace_id, 16) or not int(parent_id, 16):
        return None
    if version != "00":
        flags = f"{int(flags, 16) & _KNOWN_FLAGS:02x}"
    return TraceContext(trace_id, parent_id, flags, _parse_state(tracestates))


def _parse_state(values: Sequence[str]) -> str:
    members = [member.strip(" \t") for value in values for member in value.split(",")]
    members = [member for member in members if member]  # empty members are allowed
    keys = [member.partition("=")[0] for member in members]
    state = ",".join(members)
    valid = (
        len(members) <= _MOST_MEMBERS
        and len(state) <= _LONGEST_STATE
        and len(set(keys)) == len(keys)
        and all(map(_MEMBER.fullmatch, members))
    )
    return state if valid else ""
