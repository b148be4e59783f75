"""Which bytes a GET or HEAD selects: conditions and byte ranges (RFC 9110). Pure, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.blobs.byte_ranges import ByteRange, RangeSet
from shared.http.conditions import (
    IDENTITY,
    failed_precondition,
    field_value,
    if_range_holds,
)

if TYPE_CHECKING:
    from multidict import MultiMapping

    from shared.http.conditions import Representation

MAX_RANGES = 64
"""Most ranges in one request; a Range field with more is ignored (RFC 9110, 14.2 and 17.15)."""

_RANGES = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*)")
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_MAX_POSITION = (1 << 63) - 1
"""Beyond the last byte of any file."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The status to answer with, and the bytes to send.

    `ranges` holds the whole file for 200, the parts for 206 (not empty, not overlapping, not
    adjacent), and nothing for 304, 412 and 416.
    """

    status: HTTPStatus
    size: int
    ranges: tuple[ByteRange, ...] = ()

    @property
    def content_range(self) -> str | None:
        """The value of Content-Range for 416 and a 206 of one part (RFC 9110, 14.4, 15.3.7)."""
        if self.status is HTTPStatus.PARTIAL_CONTENT and len(self.ranges) == 1:
            return content_range(self.ranges[0], self.size)
        if self.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return f"bytes */{self.size}"
        return None


def content_range(part: ByteRange, size: int) -> str:
    """Return the value of Content-Range for a part, not empty, of a file of `size` bytes."""
    return f"bytes {part.start}-{part.stop - 1}/{size}"


def select(method: str, headers: MultiMapping[str], representation: Representation) -> Selection:
    """Select the status and the bytes for a request, by RFC 9110.

    Conditions are evaluated in the order of 13.2.2. `method` is GET or HEAD. Range and If-Range
    apply to GET only (14.2), and only to the identity coding. Overlapping and adjacent ranges are
    merged, at the position of the first of them (15.3.7.2).
    """
    size = representation.size
    if status := failed_precondition(headers, representation):
        return Selection(status, size)
    whole = Selection(HTTPStatus.OK, size, (ByteRange(0, size),))
    if method != "GET" or representation.coding != IDENTITY:
        return whole
    requested = parse_byte_ranges(field_value(headers, "Range") or "")
    if requested is None or not if_range_holds(headers, representation):
        return whole
    satisfiable = [part for spec in requested if (part := _resolve(spec, size)) is not None]
    if not satisfiable:
        return Selection(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, size)
    parts = _merged(satisfiable)
    # A suffix of an empty file is satisfiable, but Content-Range cannot express it.
    return Selection(HTTPStatus.PARTIAL_CONTENT, size, parts) if parts else whole


def parse_byte_ranges(field: str) -> list[tuple[int | None, int | None]] | None:
    """Parse Range: `(first, last)`, `(first, None)` to the end, `(None, n)` the last n bytes.

    Returns None if the field must be ignored: another unit, malformed, or more than `MAX_RANGES`
    (RFC 9110, 14.2).
    """
    match = _RANGES.fullmatch(field.strip())
    if not match or match[1].lower() != "bytes":
        return None
    specs: list[tuple[int | None, int | None]] = []
    for element in match[2].split(","):
        text = element.strip(" \t")
        if not text:
            continue  # recipients accept empty list elements (RFC 9110, 5.6.1.2)
        ends = _RANGE.fullmatch(text)
        if not ends:
            return None
        first, last = _position(ends[1]), _position(ends[2])
        if (first is None and last is None) or (
            first is not None and last is not None and last < first
        ):
            return None
        specs.append((first, last))
    return specs if 0 < len(specs) <= MAX_RANGES else None


def _position(digits: str) -> int | None:
    if not digits:
        return None
    # Python refuses to convert thousands of digits, and no file has 2**63 bytes.
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) < 20 else _MAX_POSITION


def _resolve(spec: tuple[int | None, int | None], size: int) -> ByteRange | None:
    """Return the bytes of a range in a file of `size` bytes; None if unsatisfiable (14.1.2)."""
    first, last = spec
    if first is None:
        return ByteRange(max(0, size - last), size) if last else None
    if first >= size:
        return None
    return ByteRange(first, size if last is None else min(last + 1, size))


def _merged(requested: list[ByteRange]) -> tuple[ByteRange, ...]:
    """Return the union, in the order in which its parts were first requested (RFC 9110, 14.2)."""
    union = RangeSet.of((part.start, part.stop) for part in requested)

    def first_request(part: ByteRange) -> int:
        return next(i for i, each in enumerate(requested) if part.start <= each.start < part.stop)

    return tuple(sorted(union, key=first_request))
